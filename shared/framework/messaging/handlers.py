"""Handlers of received events: for batches, or made of one reactor for each event class."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from shared.framework.core.clock import Clock
from shared.framework.core.event import Event
from shared.framework.eventstore.records import EventRecord
from shared.framework.eventstore.unit_of_work import Session, UnitOfWork, caused_by, consequence_time
from shared.framework.observability import names
from shared.framework.observability.logging import logged_as
from shared.framework.observability.tracing import current_traceparent, span

Handler = Callable[[UnitOfWork, Sequence[EventRecord]], Awaitable[None]]
"""`async def handle(unit, records)`: adds the consequences of new records to the unit of work.

Records are in order within each partition. It is called again with the same records if the commit fails, and
not again once the commit has succeeded.
"""

Reactor = Callable[[Session, Any, EventRecord], Awaitable[None]]
"""`async def on_<event>(session, event, record)`: reacts to one event by commands in the session."""


def reaction_handler(reactors: Mapping[type[Event], Reactor], clock: Clock) -> Handler:
    """A handler that calls the reactor of each event, with the session at `consequence_time`.

    Other wire names are skipped without decoding. Events that move a test clock always set it in this
    context.
    """
    by_name = {event.wire_name: reactor for event, reactor in reactors.items()}

    async def react(unit: UnitOfWork, records: Sequence[EventRecord]) -> None:
        known = dict.fromkeys(unit.store.contracts.test_clocks, _follow_test_clock) | by_name
        for record in records:
            if record.wire_name in known:
                await _react(known[record.wire_name], unit, record, clock)

    return react


async def _react(reactor: Reactor, unit: UnitOfWork, record: EventRecord, clock: Clock) -> None:
    event = unit.store.contracts.decode(record.wire_name, record.state)
    if event is not None:
        with (
            span(
                names.SPAN_CONSUME,
                parent_traceparent=record.metadata.traceparent,
                attributes=_attributes(record),
            ),
            logged_as(correlation=record.metadata.correlation_id, tenant=record.tenant_id),
        ):
            metadata = caused_by(record, consequence_time(record.metadata, clock.now()))
            if traceparent := current_traceparent():
                metadata = msgspec.structs.replace(metadata, traceparent=traceparent)
            await reactor(unit.session(record.tenant_id, metadata), event, record)


def _attributes(record: EventRecord) -> dict[str, str | int]:
    return {names.ATTR_EVENT: record.wire_name, names.ATTR_POSITION: record.position}


async def _follow_test_clock(session: Session, event: Event, record: EventRecord) -> None:
    session.set_clock(session.work.store.contracts.test_clocks[record.wire_name](event))
