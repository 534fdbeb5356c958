"""When two events are the same one: who said it, under which id, on which day; and if they say the same."""

from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from struct import Struct

import msgspec

from services.ingest.events.rejection import Rejection, RejectionCode
from services.ingest.events.usage_event import CloudEvent
from shared.billing.contracts.ingest.usage import UsageEvent

FUTURE_MAX = timedelta(minutes=5)
"""Usage is reported after the fact, by clocks at most this fast ..."""

AGE_MAX = timedelta(days=20 * 366)
"""... and at most this late."""

_NO_TIME = datetime(1, 1, 1, tzinfo=UTC)
_raw = msgspec.Raw
_encode_data = msgspec.json.Encoder(decimal_format="number", order="deterministic").encode
_encode_event = msgspec.json.Encoder().encode
_signed_64 = Struct(">q").unpack


DeduplicationKey = tuple[date, bytes]
"""An event's identity (billing rule 16): its own UTC day, and a 16-byte hash of tenant, source and id."""


class IdentifiedEvent(msgspec.Struct, gc=False):
    """A sound event with its identity; its fingerprint (64 bits, signed) tells when the content differs."""

    identity: DeduplicationKey
    fingerprint: int
    event: UsageEvent


def time_fault(time: datetime, now: datetime) -> Rejection:
    """Why this time is refused: outside [now - AGE_MAX, now + FUTURE_MAX]."""
    if time > now:
        return Rejection(
            RejectionCode.TIME_IS_IN_THE_FUTURE, f"{time.isoformat()}, and it is {now.isoformat()}"
        )
    return Rejection(RejectionCode.TIME_IS_TOO_OLD, f"{time.isoformat()} is more than 20 years ago")


class EventIdentifier:
    """Turns one tenant's sound events into candidates; the way of every event, so it is written for speed."""

    __slots__ = ("_now", "_prefixes", "_tenant_id")

    def __init__(self, tenant_id: str, now: datetime) -> None:
        """Events without a time of their own happened when they were accepted: `now`."""
        self._tenant_id = tenant_id
        self._now = now
        self._prefixes: dict[str, str] = {}

    def candidate(self, offer: CloudEvent) -> IdentifiedEvent:
        """The event as it would be kept, with its identity."""
        time = offer.time or self._now
        event = UsageEvent(
            id=offer.id,
            source=offer.source,
            type=offer.type,
            subject=offer.subject,
            time=time if time.tzinfo is UTC else time.astimezone(UTC),
            data=_raw(_encode_data(offer.data)),
        )
        said = event if offer.time else msgspec.structs.replace(event, time=_NO_TIME)
        return IdentifiedEvent(
            (event.time.date(), self._key(offer.source, offer.id)), _fingerprint(said), event
        )

    def _key(self, source: str, event_id: str) -> bytes:
        prefix = self._prefixes.get(source)
        if prefix is None:
            # Lengths go in front, so that no two triples can spell the same bytes.
            prefix = f"{len(self._tenant_id)} {len(source)} {self._tenant_id}{source}"
            self._prefixes[source] = prefix
        return blake2b((prefix + event_id).encode(), digest_size=16).digest()


def _fingerprint(event: UsageEvent) -> int:
    return _signed_64(blake2b(_encode_event(event), digest_size=8).digest())[0]  # type: ignore[no-any-return]
