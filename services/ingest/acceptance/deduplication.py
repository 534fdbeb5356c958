"""Exactly once: which candidates are new, which are repeats, and which contradict what was said before."""

from collections.abc import Iterable, MutableMapping
from enum import Enum

from services.ingest.events.identity import Candidate, Identity

Seen = MutableMapping[Identity, int]
"""Fingerprints of what was accepted before, by identity."""


class Finding(Enum):
    """What a candidate turns out to be."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


def sift(candidates: Iterable[Candidate], seen: Seen) -> list[Finding]:
    """One finding per candidate, in order; `seen` grows by what is accepted, so the first of equals wins."""
    return [_find(candidate, seen) for candidate in candidates]


def _find(candidate: Candidate, seen: Seen) -> Finding:
    before = seen.get(candidate.identity)
    if before is None:
        seen[candidate.identity] = candidate.fingerprint
        return Finding.ACCEPTED
    return Finding.DUPLICATE if before == candidate.fingerprint else Finding.CONFLICT
