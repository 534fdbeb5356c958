"""Examples for the contract suites of the store: events, keys, timers, inbox positions, dead letters."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from shared.framework.core.event import Event, Metadata
from shared.framework.eventstore.contracts import Contracts, by_wire_name
from shared.framework.eventstore.ports import Store
from shared.framework.eventstore.records import (
    Append,
    ChangeSet,
    ClockChange,
    CommitReceipt,
    DeadLetter,
    EventPosition,
    EventRecord,
    IdempotencyKey,
    InboxAdvance,
    InboxPosition,
    StoredResponse,
    Timer,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TENANT, STRANGER = "tenant-a", "tenant-b"
METADATA = Metadata(correlation_id="req-1", actor="key-1", occurred_at=NOON, causation_id="cmd-1")
TESTING = Metadata(correlation_id="req-2", actor="key-1", occurred_at=NOON, test_clock=True)


class NoteTaken(Event, frozen=True, kw_only=True):
    """An event with a text and a time."""

    wire_name = "subscriptions.note.taken.v1"

    text: str
    number: int = 0
    taken_at: datetime


class ClockMoved(Event, frozen=True, kw_only=True):
    """An event that sets the test clock of its tenant."""

    wire_name = "subscriptions.clock.moved.v1"

    now: datetime


EXAMPLES = Contracts(
    events=by_wire_name([NoteTaken, ClockMoved]),
    topics={
        "ingest": "usage-events",
        **{name: f"{name}-events" for name in ("metering", "subscriptions", "invoicing", "payments")},
    },
    test_clocks={ClockMoved.wire_name: lambda event: ClockChange(event.now)},
)


def registered(text: str = "acme") -> NoteTaken:
    """An event with this text."""
    return NoteTaken(text=text, taken_at=NOON)


def append(
    stream_id: str,
    *events: Event,
    expected: int = 0,
    tenant: str = TENANT,
    slot_key: str | None = None,
) -> Append:
    """An append of these events, or of one example, to a stream."""
    return Append(tenant, stream_id, expected, events or (registered(),), METADATA, slot_key=slot_key)


async def write(store: Store, *appends: Append) -> Sequence[EventPosition]:
    """Commit only these appends."""
    return (await store.commit(ChangeSet(appends=list(appends)))).positions


def move(position: int, *, expected: int, partition: int = 0, topic: str = "usage-events") -> InboxAdvance:
    """Advance the inbox position of consumer `metering`."""
    return InboxAdvance(
        InboxPosition("metering", topic, partition, position, position + 7, "broker-1"), expected
    )


def timer(timer_id: str, due_at: datetime = NOON, *, tenant: str = TENANT, testing: bool = False) -> Timer:
    """A timer with a nested payload."""
    payload = {"invoice_id": "inv_1", "attempt": 2, "nested": {"amounts": [1, 2.5, None]}}
    return Timer(timer_id, tenant, due_at, "collect", payload, TESTING if testing else METADATA)


def key(
    name: str = "key-1",
    *,
    tenant: str = TENANT,
    fingerprint: bytes = b"\x00hash",
    canonical: bytes | None = None,
    claim_id: str = "clm-1",
) -> IdempotencyKey:
    """An idempotency key; without `canonical` both of its hashes are the same."""
    return IdempotencyKey(tenant, name, fingerprint, canonical or fingerprint, claim_id)


def response_at(receipt: CommitReceipt) -> StoredResponse:
    """A response with the positions of the receipt."""
    at = ",".join(str(position.position) for position in receipt.positions)
    return StoredResponse(201, {"tollhouse-position": f"subscriptions:0:{at}"}, b'{"id":"\xc3\xa9"}')


def dead_letter(record: EventRecord, *, cause: str = "boom", topic: str = "usage-events") -> DeadLetter:
    """A dead letter of consumer `metering`."""
    return DeadLetter("metering", record, topic, 0, cause)


def days(count: float) -> timedelta:
    """A duration in days."""
    return timedelta(days=count)
