"""A reading is complete, pinned, taken once, and taken at its time."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import pytest

from services.metering.conftest import Kept
from services.metering.readings.ports import UsageIsBehind
from services.metering.readings.timers import PURPOSE, PinnedUsage, ReadingProcess
from services.metering.readings.usage_progress import InboxUsageProgress
from services.metering.rollups.consumer import RollupConsumer
from services.metering.rollups.ports import CONSUMER
from services.metering.tests.usage import NOON, TENANT, meter, usage
from shared.billing.contracts import CONTRACTS, TOPICS
from shared.billing.contracts.ingest.usage import UsageEvent, UsageRecorded
from shared.billing.contracts.metering.readings import UsageReadingTaken
from shared.billing.contracts.subscriptions.plans import Charge
from shared.billing.contracts.subscriptions.subscriptions import BillingPeriodClosed
from shared.billing.period import Period
from shared.billing.pricing import Flat, PerUnit
from shared.framework.core.event import Metadata
from shared.framework.core.ids import partition_of, slot_of
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.records import (
    Append,
    ChangeSet,
    DeadLetter,
    InboxAdvance,
    InboxPosition,
    Timer,
)
from shared.framework.eventstore.unit_of_work import UnitOfWork, transact
from shared.framework.messaging.feed import InProcessFeeds
from shared.framework.testing.fakes import FakeClock

PARTITIONS = 4
PARTITION = partition_of(slot_of(TENANT), PARTITIONS)
PLACE = (TOPICS["ingest"], PARTITION)
GRACE = timedelta(hours=1)
START, END = NOON - timedelta(days=1, minutes=7), NOON + timedelta(minutes=13, microseconds=1)
PRICE = PerUnit(unit_price=Decimal(1))
CAUSE = Metadata(correlation_id="c", actor="a", occurred_at=END, test_clock=True)

CLOSED = BillingPeriodClosed(
    subscription_id="sub_1",
    customer_id="cus_1",
    subject="UA",
    plan_id="plan_1",
    plan_version=1,
    currency="USD",
    time_zone="UTC",
    charges=(
        Charge(key="fee", name="Fee", price=Flat(amount=Decimal(1))),
        Charge(key="flights", name="Flights", price=PRICE, meter_key="count"),
        Charge(key="more", name="Flights again", price=PRICE, meter_key="count"),
        Charge(key="miles", name="Miles", price=PRICE, meter_key="sum-by-origin"),
        Charge(key="ghost", name="Ghost", price=PRICE, meter_key="nobody"),
    ),
    period_index=0,
    period=Period(START, END),
    full_period=Period(START, END),
    closed_at=END,
)


class NoPatience:
    """Time passes when it is slept through."""

    def __init__(self) -> None:
        self.now = 0.0

    async def sleep(self, seconds: float, wake: object = None) -> bool:
        self.now += seconds
        return False

    def elapsed(self) -> float:
        return self.now


class World:
    """Metering beside ingest's history."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept
        self.ingest = MemoryEventStore("ingest", FakeClock(NOON), CONTRACTS)
        progress = InboxUsageProgress(
            kept.store, InProcessFeeds({"ingest": self.ingest}), NoPatience(), PARTITIONS
        )
        self.readings = ReadingProcess(kept.book, kept.rollups, progress, PARTITIONS, GRACE)
        self.folder = RollupConsumer(kept.book, kept.rollups)

    async def accept(self, *events: UsageEvent) -> None:
        """Ingest tells a batch."""
        number = len(await self.ingest.read_stable(0, 1000)) + 1
        batch = UsageRecorded(batch_id=f"ub_{number}", accepted_at=NOON, events=events)
        append = Append(TENANT, batch.batch_id, 0, (batch,), CAUSE, slot_key=TENANT)
        await self.ingest.commit(ChangeSet(appends=[append]))

    async def fold(self, *, parking: bool = False) -> None:
        """Metering hears what ingest has told since (or parks it)."""
        marks = await self.kept.store.inbox(CONSUMER)
        after = marks[PLACE].position if PLACE in marks else 0
        page = await self.ingest.feed(PARTITION, PARTITIONS, after, 100)
        unit = UnitOfWork(self.kept.store)
        if parking:
            unit.changes.dead_letters.extend(
                DeadLetter(CONSUMER, one, *PLACE, cause="broken") for one in page.records
            )
        else:
            await self.folder(unit, page.records)
        unit.changes.inbox.append(InboxAdvance(InboxPosition(CONSUMER, *PLACE, page.head), expected=after))
        await unit.commit()

    async def close(self) -> Timer:
        """The period is over: the timer that was set for its reading."""
        record = (await self.ingest.read_stable(0, 1))[0]

        async def work(unit: UnitOfWork) -> None:
            await self.readings.on_billing_period_closed(unit.session(TENANT, CAUSE), CLOSED, record)

        await transact(self.kept.store, work)
        await self.kept.store.commit(ChangeSet(clocks={TENANT: END + GRACE}))
        (timer,) = await self.kept.store.due_timers(NOON, 10)
        return timer

    async def take(self, timer: Timer, pinned: PinnedUsage) -> None:
        async def work(unit: UnitOfWork) -> None:
            await self.readings.record(unit.session(TENANT, CAUSE), timer, pinned)

        await transact(self.kept.store, work)

    async def told(self) -> Sequence[UsageReadingTaken]:
        records = await self.kept.store.read_stable(0, 100)
        history = await self.kept.store.load(TENANT, records[-1].stream_id)
        return [event for event in history.events if isinstance(event, UsageReadingTaken)]


@pytest.fixture
async def world(kept: Kept) -> World:
    meters = (meter("count"), meter("sum-by-origin", "sum", group_by=("origin",)))
    entered = [kept.book.add(TENANT, one) for one in meters]
    await kept.store.commit(
        ChangeSet(side_writes=entered + [kept.book.activate(one.meter_id, 0) for one in meters])
    )
    world = World(kept)
    await world.accept(
        usage(value=1, origin="JFK", time=START - timedelta(microseconds=1)),
        usage(value=2, origin="JFK", time=START),
        usage(value=4, origin="EWR", time=END - timedelta(microseconds=1)),
        usage(value=8, origin="EWR", time=END),
        usage("DL", value=16, origin="EWR"),
    )
    return world


async def test_a_reading_counts_what_happened_in_the_period_to_the_microsecond(world: World) -> None:
    """[start, end) of the subject, per meter and dimension; a meter without usage reads zero."""
    await world.fold()
    timer = await world.close()
    assert (timer.purpose, timer.due_at) == (PURPOSE, END + GRACE)
    await world.take(timer, await world.readings.measure(timer))
    (reading,) = await world.told()
    told = [(q.meter_key, q.dimensions, q.quantity) for q in reading.quantities]
    assert told == [
        ("count", {}, Decimal(2)),
        ("nobody", {}, Decimal(0)),
        ("sum-by-origin", {"origin": "EWR"}, Decimal(4)),
        ("sum-by-origin", {"origin": "JFK"}, Decimal(2)),
    ]
    assert (reading.cutoff_partition, reading.cutoff_position) == (PARTITION, 1)
    assert (reading.period, reading.subject) == (CLOSED.period, "UA")


async def test_a_reading_waits_until_everything_accepted_is_folded(world: World) -> None:
    """Accepted and not yet folded is not missing from a bill: the bill waits."""
    await world.fold()
    timer = await world.close()
    await world.accept(usage(value=32, origin="JFK"))
    with pytest.raises(UsageIsBehind):
        await world.readings.measure(timer)
    await world.fold()
    pinned = await world.readings.measure(timer)
    assert pinned.position == 2
    assert pinned.quantities[0].quantity == Decimal(3)


async def test_a_reading_waits_for_usage_that_lies_parked(world: World) -> None:
    """The mark has gone past it, but it is not in the sums."""
    await world.fold(parking=True)
    timer = await world.close()
    with pytest.raises(UsageIsBehind, match="in the dead letters"):
        await world.readings.measure(timer)


async def test_a_reading_is_taken_once_and_stays_what_it_was(world: World) -> None:
    """The timer may come again, the fact may be told again, usage may come later."""
    await world.fold()
    timer = await world.close()
    pinned = await world.readings.measure(timer)
    await world.take(timer, pinned)
    await world.accept(usage(value=32, origin="JFK"))
    await world.fold()
    again = await world.close()
    assert again.timer_id == timer.timer_id
    await world.take(timer, await world.readings.measure(timer))
    (reading,) = await world.told()
    assert reading.quantities == pinned.quantities
