"""What is done with facts that were heard: batch handlers, and reactors from which one is made."""

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
"""Takes new records, in order within each partition, and puts all that follows into the unit of work.

It is called again with the same records when the commit fails, and never again once it is done.
"""

Reactor = Callable[[Session, Any, EventRecord], Awaitable[None]]
"""`async def on_<fact>(session, event, record)`: one fact heard, commands given."""


def reaction_handler(reactors: Mapping[type[Event], Reactor], clock: Clock) -> Handler:
    """A handler that gives each fact to its reactor, at the moment of the fact's own tenant.

    Wire names without a reactor are passed over unread. Test clocks are always followed, so every
    context that hears subscriptions knows its tenants' time.
    """
    own = {event.wire_name: reactor for event, reactor in reactors.items()}

    async def react(unit: UnitOfWork, records: Sequence[EventRecord]) -> None:
        known = dict.fromkeys(unit.store.contracts.test_clocks, _follow_test_clock) | own
        for record in records:
            if record.wire_name in known:
                await _react(known[record.wire_name], unit, record, clock)

    return react


async def _react(reactor: Reactor, unit: UnitOfWork, record: EventRecord, clock: Clock) -> None:
    event = unit.store.contracts.decode(record.wire_name, record.state)
    if event is not None:
        with (
            span(
                names.SPAN_CONSUME, parent_traceparent=record.metadata.traceparent, attributes=_seen(record)
            ),
            logged_as(correlation=record.metadata.correlation_id, tenant=record.tenant_id),
        ):
            metadata = caused_by(record, consequence_time(record.metadata, clock.now()))
            if traceparent := current_traceparent():
                metadata = msgspec.structs.replace(metadata, traceparent=traceparent)
            await reactor(unit.session(record.tenant_id, metadata), event, record)


def _seen(record: EventRecord) -> dict[str, str | int]:
    return {names.ATTR_EVENT: record.wire_name, names.ATTR_POSITION: record.position}


async def _follow_test_clock(session: Session, event: Event, record: EventRecord) -> None:
    session.set_clock(session.work.store.contracts.test_clocks[record.wire_name](event))
