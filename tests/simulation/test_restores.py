"""A reconciliation on the stores of a world: what it tells, and what it does with test clocks."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from projections.engine.memory import MemoryEventArchive
from shared.billing.contracts.subscriptions.test_clocks import (
    TestClockAdvanced,
    TestClockAdvanceFinished,
    TestClockAdvanceStarted,
    TestClockStarted,
)
from shared.framework.core.event import Event, Metadata
from shared.framework.eventstore.records import Append, ChangeSet, ClockChange, TenantClock
from tests.simulation.lives import plan_of
from tests.simulation.restores import Image, Restore, restore
from tests.simulation.services import in_memory
from tests.simulation.world import BEGINNING, World

LATER, LAST = BEGINNING + timedelta(hours=1), BEGINNING + timedelta(hours=9)
STARTED = TestClockStarted(now=BEGINNING)
ADVANCED = (
    TestClockAdvanceStarted(now=BEGINNING, target=LATER),
    TestClockAdvanced(now=LATER),
    TestClockAdvanceFinished(now=LATER, overdue={}),
)


@pytest.fixture
def world() -> Iterator[World]:
    """A world in which nothing is planned, and no service has begun to run."""
    with in_memory():
        world = World(replace(plan_of(1), replicas={}, steps=(), faults=()))
        yield world
        world.end()


def write(world: World, stream: str, *events: Event, expected: int = 0) -> None:
    """Write events into subscriptions, a minute after what was written before."""
    world.leapt_s += 60
    metadata = Metadata(correlation_id="test", actor="test", occurred_at=world.now())
    append = Append("acme", stream, expected, events, metadata)
    world.loop.run_now(world.stores["subscriptions"].commit(ChangeSet([append])))


def restored(world: World, image: Image) -> Restore:
    """Restore, and return what was done."""
    restore(world, [image], asks_again=False)
    return world.restores[-1]  # type: ignore[no-any-return]


def test_what_is_in_no_copy_is_told_although_something_later_came_back(world: World) -> None:
    """The history ends where it was complete, not at the last event that was put back."""
    store = world.stores["subscriptions"]
    write(world, "clk_1", STARTED)
    image, complete_until = Image.of(world, "subscriptions"), world.now()
    write(world, "clk_2", STARTED)
    write(world, "clk_3", STARTED)
    archive = world.stores["projections"]
    copied = MemoryEventArchive(archive).add_write([store._records[-1]], [])
    world.loop.run_now(archive.commit(ChangeSet(side_writes=[copied])))
    done = restored(world, image)
    assert [one.stream_id for one in done.report.put_back] == ["clk_3"]
    assert [one.stream_id for one in done.lost] == ["clk_2"]
    assert done.report.history_ends_at["subscriptions"] == complete_until
    assert done.untold() == []


def clock_in_ingest(world: World, now: TenantClock) -> None:
    change = ChangeSet(clocks={"acme": ClockChange(now.now, now.target)})
    world.loop.run_now(world.stores["ingest"].commit(change))


def test_a_restored_context_holds_commands_until_it_has_followed_the_clock(world: World) -> None:
    """It comes back with the clock of the backup, and its consumer has the advance still before it."""
    write(world, "clk_1", STARTED)
    clock_in_ingest(world, TenantClock(BEGINNING))
    image = Image.of(world, "ingest")
    write(world, "clk_1", *ADVANCED, expected=1)
    clock_in_ingest(world, TenantClock(LATER))
    done = restored(world, image)
    assert world.stores["ingest"]._clocks == {"acme": TenantClock(BEGINNING, LATER)}
    assert f"the test clock of acme waits until {LATER.isoformat()} in ingest" in done.report.rewound


def test_nobody_waits_for_the_end_of_an_advance_that_is_lost(world: World) -> None:
    """Only the context that moves clocks knows that one advances."""
    write(world, "clk_1", STARTED)
    image = Image.of(world, "subscriptions")
    write(world, "clk_1", TestClockAdvanceStarted(now=BEGINNING, target=LAST), expected=1)
    clock_in_ingest(world, TenantClock(BEGINNING, LAST))
    restored(world, image)
    assert world.stores["ingest"]._clocks == {"acme": TenantClock(BEGINNING)}
