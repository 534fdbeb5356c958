"""Recognises repeated events by tenant, source, id and UTC day (billing rule 16), and changed content."""

from collections.abc import MutableMapping
from datetime import UTC, date, datetime
from enum import Enum
from hashlib import blake2b
from struct import Struct

import msgspec

from services.ingest.events.usage_event import CloudEvent
from shared.billing.contracts.ingest.usage import UsageEvent

_NO_TIME = datetime(1, 1, 1, tzinfo=UTC)
_raw = msgspec.Raw
_encode_data = msgspec.json.Encoder(decimal_format="number", order="deterministic").encode
_encode_event = msgspec.json.Encoder().encode
_signed_64 = Struct(">q").unpack

DeduplicationKey = tuple[date, bytes]
"""The event's own UTC day, and a 16-byte hash of tenant, source and id."""

KnownFingerprints = MutableMapping[DeduplicationKey, int]
"""Fingerprints of accepted events by key."""


class DeduplicationResult(Enum):
    """Whether an event is new, or repeats an accepted one with the same or with other content."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


class IdentifiedEvent(msgspec.Struct, gc=False):
    """A valid event with its key, and a fingerprint of its content (64 bits, signed)."""

    key: DeduplicationKey
    fingerprint: int
    event: UsageEvent


class EventIdentifier:
    """Identifies one tenant's valid events. It runs for every event, so it is written for speed."""

    __slots__ = ("_now", "_prefixes", "_tenant_id")

    def __init__(self, tenant_id: str, now: datetime) -> None:
        """The time of events without one is `now`."""
        self._tenant_id = tenant_id
        self._now = now
        self._prefixes: dict[str, str] = {}

    def identify(self, event: CloudEvent) -> IdentifiedEvent:
        """The event as it is stored, with its key and fingerprint."""
        time = event.time or self._now
        usage = UsageEvent(
            id=event.id,
            source=event.source,
            type=event.type,
            subject=event.subject,
            time=time if time.tzinfo is UTC else time.astimezone(UTC),
            data=_raw(_encode_data(event.data)),
        )
        # Without a time of its own the event is the same at any time of its day.
        content = usage if event.time else msgspec.structs.replace(usage, time=_NO_TIME)
        return IdentifiedEvent(
            (usage.time.date(), self._hash(event.source, event.id)), _fingerprint(content), usage
        )

    def identify_stored(self, usage: UsageEvent) -> IdentifiedEvent:
        """An accepted event again. A time equal to `now` counts as none: most likely its sender gave none."""
        content = msgspec.structs.replace(usage, time=_NO_TIME) if usage.time == self._now else usage
        return IdentifiedEvent(
            (usage.time.date(), self._hash(usage.source, usage.id)), _fingerprint(content), usage
        )

    def _hash(self, source: str, event_id: str) -> bytes:
        prefix = self._prefixes.get(source)
        if prefix is None:
            # Lengths come first, so that different triples never have the same bytes.
            prefix = f"{len(self._tenant_id)} {len(source)} {self._tenant_id}{source}"
            self._prefixes[source] = prefix
        return blake2b((prefix + event_id).encode(), digest_size=16).digest()


def _fingerprint(event: UsageEvent) -> int:
    return _signed_64(blake2b(_encode_event(event), digest_size=8).digest())[0]  # type: ignore[no-any-return]


def deduplicate(event: IdentifiedEvent, known: KnownFingerprints) -> DeduplicationResult:
    """Compare an event with the known ones; an accepted one is added to `known`."""
    before = known.get(event.key)
    if before is None:
        known[event.key] = event.fingerprint
        return DeduplicationResult.ACCEPTED
    return DeduplicationResult.DUPLICATE if before == event.fingerprint else DeduplicationResult.CONFLICT
