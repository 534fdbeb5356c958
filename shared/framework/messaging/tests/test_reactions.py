"""A fact that was heard becomes a command: at which moment, for whom, and because of what."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.framework.core.event import Event, Metadata
from shared.framework.eventstore.contracts import EventIsUnreadable
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.records import Append, ChangeSet, EventRecord, TenantClock
from shared.framework.eventstore.unit_of_work import Session, UnitOfWork, transact
from shared.framework.messaging.handlers import Handler, reaction_handler
from shared.framework.testing.fakes import FakeClock
from shared.framework.testing.store_examples import (
    EXAMPLES,
    METADATA,
    NOON,
    TENANT,
    TESTING,
    ClockMoved,
    NoteTaken,
    registered,
)


class Listener:
    """Hears customers being registered, and appends a fact of its own."""

    def __init__(self) -> None:
        self.sessions: list[Session] = []
        self.clock = FakeClock(NOON + timedelta(days=2))
        self.store = MemoryEventStore("invoicing", self.clock, EXAMPLES)
        self.handler = reaction_handler({NoteTaken: self.on_note_taken}, self.clock)

    async def on_note_taken(self, session: Session, event: NoteTaken, record: EventRecord) -> None:
        self.sessions.append(session)
        session.append(f"acc_{event.text}", 0, [registered(event.text)])

    async def hear(self, *records: EventRecord, handler: Handler | None = None) -> None:
        async def work(unit: UnitOfWork) -> None:
            await (handler or self.handler)(unit, records)

        await transact(self.store, work)


async def told(event: Event, metadata: Metadata = METADATA, context: str = "subscriptions") -> EventRecord:
    store = MemoryEventStore(context, FakeClock(), EXAMPLES)
    await store.commit(ChangeSet(appends=[Append(TENANT, "cus_1", 0, (event,), metadata)]))
    [record] = await store.read_stable(0, 1)
    return record


@pytest.fixture
def listener() -> Listener:
    return Listener()


async def test_a_consequence_names_its_cause_and_happens_now(listener: Listener) -> None:
    """Same correlation, same tenant; the moment is the system's now."""
    record = await told(registered())
    await listener.hear(record)
    [session] = listener.sessions
    assert (session.tenant_id, session.metadata.correlation_id) == (TENANT, METADATA.correlation_id)
    assert session.metadata.causation_id == str(record.event_id)
    assert session.now == NOON + timedelta(days=2)


async def test_under_a_test_clock_a_consequence_happens_at_its_cause_s_moment(listener: Listener) -> None:
    """However late it is heard: a year's advance plays as the year would have been."""
    await listener.hear(await told(registered(), TESTING))
    [session] = listener.sessions
    assert session.now == NOON
    assert session.metadata.test_clock


async def test_test_clocks_are_followed_without_being_asked(listener: Listener) -> None:
    """Whoever hears subscriptions knows its tenants' time."""
    await listener.hear(await told(ClockMoved(now=NOON + timedelta(days=40)), TESTING))
    assert await listener.store.test_clock(TENANT) == TenantClock(NOON + timedelta(days=40))


async def test_facts_that_nobody_asked_for_are_passed_over_unread(listener: Listener) -> None:
    """A wire name of a newer release, and even damaged bytes of one that we do not want."""
    record = await told(registered())
    await listener.hear(replace(record, wire_name="subscriptions.customer.renamed.v1", state=b"{"))
    assert listener.sessions == []


async def test_a_damaged_fact_that_was_asked_for_is_loud(listener: Listener) -> None:
    """It is not passed over: the consumer will park it with its cause."""
    record = await told(registered())
    with pytest.raises(EventIsUnreadable):
        await listener.hear(replace(record, state=b'{"customer_id": 7}'))
