"""Event records of other contexts, given to a handler without a broker."""

from collections.abc import Sequence
from datetime import datetime

from shared.framework.core.event import Event, Metadata
from shared.framework.core.ids import slot_of
from shared.framework.eventstore.contracts import encode
from shared.framework.eventstore.ports import Feed, Store
from shared.framework.eventstore.records import EventRecord
from shared.framework.eventstore.unit_of_work import event_id_of, transact
from shared.framework.messaging.handlers import Handler


def event_record(
    event: Event, at: datetime, *, tenant: str = "acme", stream_id: str = "stream", test_clock: bool = False
) -> EventRecord:
    """The record of an event as a consumer gets it."""
    return EventRecord(
        context=event.wire_name.partition(".")[0],
        tenant_id=tenant,
        stream_id=stream_id,
        version=1,
        wire_name=event.wire_name,
        state=encode(event),
        position=1,
        slot=slot_of(stream_id),
        event_id=event_id_of(stream_id, 1),
        metadata=Metadata(
            correlation_id="story", actor=f"{tenant}-agent", occurred_at=at, test_clock=test_clock
        ),
        recorded_at=at,
    )


async def deliver(store: Store, handler: Handler, *records: EventRecord) -> None:
    """Let the handler handle these records in one commit, as a consumer does after a poll."""
    await transact(store, lambda unit: handler(unit, records))


async def history(store: Feed) -> Sequence[Event]:
    """All events of a context, oldest first."""
    records = await store.read_stable(after=0, limit=100_000)
    events = (store.contracts.decode(record.wire_name, record.state) for record in records)
    return [event for event in events if event is not None]
