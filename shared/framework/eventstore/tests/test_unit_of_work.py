"""Load, fold, decide, commit: conflicts are retried from a fresh load, and what is added is seen."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid5

import pytest

from shared.framework.core.decider import Decider
from shared.framework.core.ids import NAMESPACE
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.ports import StreamIsBusy
from shared.framework.eventstore.records import ClockChange, CommitReceipt, StreamHistory, TenantClock
from shared.framework.eventstore.unit_of_work import (
    APPEND_ATTEMPTS_MAX,
    Session,
    UnitOfWork,
    caused_by,
    consequence_time,
    event_id_of,
    transact,
)
from shared.framework.testing.fakes import FakeClock
from shared.framework.testing.store_examples import (
    EXAMPLES,
    METADATA,
    NOON,
    TENANT,
    TESTING,
    NoteTaken,
    append,
    registered,
    write,
)


@dataclass(frozen=True, slots=True)
class Register:
    name: str


def _decide(state: tuple[str, ...], command: Register) -> list[NoteTaken]:
    return [] if command.name in state else [registered(command.name)]


def _evolve(state: tuple[str, ...], event: NoteTaken) -> tuple[str, ...]:
    return (*state, event.text)


NAMES: Decider[tuple[str, ...], Register, NoteTaken] = Decider((), _decide, _evolve)


@pytest.fixture
def store() -> MemoryEventStore:
    return MemoryEventStore("subscriptions", FakeClock(NOON), EXAMPLES)


def session(unit: UnitOfWork) -> Session:
    return unit.session(TENANT, METADATA)


async def test_what_was_decided_is_written(store: MemoryEventStore) -> None:
    """The road of every command."""

    async def work(unit: UnitOfWork) -> int:
        return len(await session(unit).handle(NAMES, "cus_1", Register("acme")))

    decided, receipt = await transact(store, work)
    assert decided == 1
    assert [(at.stream_id, at.version) for at in receipt.positions] == [("cus_1", 1)]
    assert (await store.load(TENANT, "cus_1")).events == (registered("acme"),)


async def test_nothing_decided_is_nothing_written(store: MemoryEventStore) -> None:
    """Asked twice, done once."""

    async def work(unit: UnitOfWork) -> None:
        await session(unit).handle(NAMES, "cus_1", Register("acme"))

    await transact(store, work)
    assert await transact(store, work) == (None, CommitReceipt())


async def test_a_second_command_sees_what_the_first_decided(store: MemoryEventStore) -> None:
    """One unit of work, one stream, two commands: the second meets the first's state and version."""

    async def work(unit: UnitOfWork) -> tuple[str, ...]:
        await session(unit).handle(NAMES, "cus_1", Register("one"))
        await session(unit).handle(NAMES, "cus_1", Register("one"))
        await session(unit).handle(NAMES, "cus_1", Register("two"))
        return await session(unit).state(NAMES, "cus_1")

    state, receipt = await transact(store, work)
    assert state == ("one", "two")
    assert [at.version for at in receipt.positions] == [1, 2]


async def test_versions_count_what_is_about_to_be_added(store: MemoryEventStore) -> None:
    """Also where nobody loaded the stream, as with number series."""
    await write(store, append("ser_1"))

    async def work(unit: UnitOfWork) -> list[int]:
        ours, counted = session(unit), []
        for _ in range(3):
            counted.append(await ours.version("ser_1"))
            ours.append("ser_1", counted[-1], [registered()])
        await ours.state(NAMES, "ser_1")
        return [*counted, await ours.version("ser_1")]

    assert (await transact(store, work))[0] == [1, 2, 3, 4]


async def test_a_conflict_is_decided_again_from_a_fresh_load(store: MemoryEventStore) -> None:
    """Somebody was faster: the decision is made anew, on what is true now."""
    seen = []

    async def work(unit: UnitOfWork) -> None:
        seen.append(await session(unit).state(NAMES, "cus_1"))
        if len(seen) == 1:
            await write(store, append("cus_1", registered("faster")))
        await session(unit).handle(NAMES, "cus_1", Register("acme"))

    await transact(store, work)
    assert seen == [(), ("faster",)]
    assert await store.version(TENANT, "cus_1") == 2


async def test_a_stream_that_never_rests_is_busy(store: MemoryEventStore) -> None:
    """A bounded number of attempts, then a refusal that says: try again."""
    attempts = 0

    async def work(unit: UnitOfWork) -> None:
        nonlocal attempts
        attempts += 1
        await session(unit).handle(NAMES, "cus_1", Register("acme"))
        version = await store.version(TENANT, "cus_1")
        await write(store, append("cus_1", registered(f"other {attempts}"), expected=version))

    with pytest.raises(StreamIsBusy):
        await transact(store, work)
    assert attempts == APPEND_ATTEMPTS_MAX
    assert await store.version(TENANT, "cus_1") == APPEND_ATTEMPTS_MAX


async def test_of_many_commands_at_one_stream_all_come_through(store: MemoryEventStore) -> None:
    """A number series at the end of a month: each attempt has one winner, and nobody loses for ever."""

    async def work(unit: UnitOfWork) -> None:
        version = await session(unit).version("ser_1")
        await asyncio.sleep(0)  # everybody has read before anybody writes
        session(unit).append("ser_1", version, [registered()])

    await asyncio.gather(*(transact(store, work) for _ in range(50)))
    assert await store.version(TENANT, "ser_1") == 50


async def test_a_session_gathers_what_goes_beside(store: MemoryEventStore) -> None:
    """Timers, test clocks and effects are written with the events."""

    async def work(unit: UnitOfWork) -> None:
        ours = session(unit)
        ours.schedule("tmr_1", ours.now + timedelta(hours=1), "close", {"n": 1})
        ours.set_clock(ClockChange(NOON, NOON + timedelta(days=2)))
        ours.set_clock(ClockChange(NOON + timedelta(days=1)))

    await transact(store, work)
    (timer,) = await store.due_timers(NOON + timedelta(hours=1), 10)
    assert (timer.purpose, timer.payload, timer.metadata) == ("close", {"n": 1}, METADATA)
    assert await store.test_clock(TENANT) == TenantClock(NOON + timedelta(days=1), NOON + timedelta(days=2))

    async def finish(unit: UnitOfWork) -> None:
        session(unit).complete_timer("tmr_1")

    await transact(store, finish)
    assert await store.due_timers(NOON + timedelta(hours=1), 10) == []


async def test_a_consequence_knows_its_cause(store: MemoryEventStore) -> None:
    """The same correlation, caused by the event, at the moment given."""
    await write(store, append("cus_1"))
    (record,) = await store.read_stable(0, 1)
    metadata = caused_by(record, NOON + timedelta(days=1))
    assert metadata.correlation_id == METADATA.correlation_id
    assert metadata.causation_id == str(record.event_id)
    assert metadata.occurred_at == NOON + timedelta(days=1)


def test_under_a_test_clock_consequences_happen_at_their_causes_moment() -> None:
    """Else now, but never before the cause."""
    later = NOON + timedelta(days=400)
    assert consequence_time(TESTING, later) == NOON
    assert consequence_time(METADATA, later) == later
    assert consequence_time(METADATA, NOON - timedelta(seconds=1)) == NOON


def test_an_events_identity_is_named_by_its_place() -> None:
    """Anybody can check it, and a repeat of the same commit has the same one."""
    assert event_id_of("cus_1", 2) == uuid5(NAMESPACE, "cus_1:2")
    assert event_id_of("cus_1", 2) != event_id_of("cus_12", 2)


async def test_a_stream_is_loaded_and_folded_once(store: MemoryEventStore) -> None:
    """Whatever is asked of it: each event is folded once per decider, also those that this work adds."""
    await write(store, append("cus_1", registered("one"), registered("two")))
    folded: list[str] = []
    loads = 0

    def evolve(state: tuple[str, ...], event: NoteTaken) -> tuple[str, ...]:
        folded.append(event.text)
        return (*state, event.text)

    counting: Decider[tuple[str, ...], Register, NoteTaken] = Decider((), _decide, evolve)

    class CountingStore(MemoryEventStore):
        async def load(self, tenant_id: str, stream_id: str) -> StreamHistory:
            nonlocal loads
            loads += 1
            return await store.load(tenant_id, stream_id)

    unit = UnitOfWork(CountingStore("subscriptions", FakeClock(NOON), EXAMPLES))
    await session(unit).handle(counting, "cus_1", Register("three"))
    assert await session(unit).state(counting, "cus_1") == ("one", "two", "three")
    await session(unit).handle(counting, "cus_1", Register("four"))
    assert await session(unit).state(NAMES, "cus_1") == ("one", "two", "three", "four")
    assert await session(unit).state(counting, "cus_1") == ("one", "two", "three", "four")
    assert folded == ["one", "two", "three", "four"]
    assert loads == 1
