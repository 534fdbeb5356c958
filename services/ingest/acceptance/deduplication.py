"""Exactly once: which candidates are new, which are repeats, and which contradict what was said before."""

from collections.abc import Iterable, MutableMapping
from enum import Enum

from services.ingest.events.identity import DeduplicationKey, IdentifiedEvent

KnownFingerprints = MutableMapping[DeduplicationKey, int]
"""Fingerprints of what was accepted before, by identity."""


class DeduplicationResult(Enum):
    """What a candidate turns out to be."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


def deduplicate(candidates: Iterable[IdentifiedEvent], seen: KnownFingerprints) -> list[DeduplicationResult]:
    """One finding per candidate, in order; `known` grows by what is accepted, so the first of equals wins."""
    return [_find(candidate, seen) for candidate in candidates]


def _find(candidate: IdentifiedEvent, seen: KnownFingerprints) -> DeduplicationResult:
    before = seen.get(candidate.identity)
    if before is None:
        seen[candidate.identity] = candidate.fingerprint
        return DeduplicationResult.ACCEPTED
    return DeduplicationResult.DUPLICATE if before == candidate.fingerprint else DeduplicationResult.CONFLICT
