"""A reading is complete, pinned, taken once, and taken at its time."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from services.metering.conftest import Stores
from services.metering.readings.timers import PURPOSE, PinnedUsage, ReadingProcess, ReadingRequest
from services.metering.readings.usage_progress import UsageIsBehind, UsageProgress
from services.metering.rollups.consumer import RollupConsumer
from services.metering.rollups.ports import CONSUMER
from services.metering.tests.usage import NOON, TENANT, SkippingSleeper, meter, usage
from shared.billing.contracts import CONTRACTS, TOPICS
from shared.billing.contracts.ingest.usage import UsageEvent, UsageRecorded
from shared.billing.contracts.invoicing.billing_runs import BillingRunRetried
from shared.billing.contracts.metering.readings import UsageReadingTaken
from shared.billing.contracts.subscriptions.plans import Charge
from shared.billing.contracts.subscriptions.subscriptions import BillingPeriodClosed
from shared.billing.period import Period
from shared.billing.pricing import Bucketed, Flat, Percentage, PerUnit
from shared.framework.core.event import Metadata
from shared.framework.core.ids import partition_of, slot_of
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.records import (
    Append,
    ChangeSet,
    ClockChange,
    DeadLetter,
    InboxAdvance,
    InboxPosition,
    Timer,
)
from shared.framework.eventstore.unit_of_work import UnitOfWork, transact
from shared.framework.messaging.feed import InProcessFeeds
from shared.framework.testing.event_records import event_record
from shared.framework.testing.fakes import FakeClock

PARTITIONS = 4
PARTITION = partition_of(slot_of(TENANT), PARTITIONS)
PARTITION_OF_TOPIC = (TOPICS["ingest"], PARTITION)
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


class Scenario:
    """Metering with ingest's history."""

    def __init__(self, stores: Stores) -> None:
        self.stores = stores
        self.ingest = MemoryEventStore("ingest", FakeClock(NOON), CONTRACTS)
        progress = UsageProgress(
            stores.store, InProcessFeeds({"ingest": self.ingest}), SkippingSleeper(), PARTITIONS
        )
        self.readings = ReadingProcess(stores.meters, stores.rollups, progress, PARTITIONS, GRACE)
        self.consumer = RollupConsumer(stores.meters, stores.rollups)

    async def accept(self, *events: UsageEvent) -> None:
        """Ingest publishes a batch."""
        number = len(await self.ingest.read_stable(0, 1000)) + 1
        batch = UsageRecorded(batch_id=f"ub_{number}", accepted_at=NOON, events=events)
        append = Append(TENANT, batch.batch_id, 0, (batch,), CAUSE, slot_key=TENANT)
        await self.ingest.commit(ChangeSet(appends=[append]))

    async def fold(self, *, dead_lettered: bool = False) -> None:
        """Metering consumes what ingest has published since, or makes it dead letters."""
        inbox = await self.stores.store.inbox(CONSUMER)
        after = inbox[PARTITION_OF_TOPIC].position if PARTITION_OF_TOPIC in inbox else 0
        page = await self.ingest.feed(PARTITION, PARTITIONS, after, 100)
        unit = UnitOfWork(self.stores.store)
        if dead_lettered:
            unit.changes.dead_letters.extend(
                DeadLetter(CONSUMER, one, *PARTITION_OF_TOPIC, cause="broken") for one in page.records
            )
        else:
            await self.consumer(unit, page.records)
        unit.changes.inbox.append(
            InboxAdvance(InboxPosition(CONSUMER, *PARTITION_OF_TOPIC, page.head), expected=after)
        )
        await unit.commit()

    async def close(self, closed: BillingPeriodClosed = CLOSED) -> Timer:
        """The period is over: the timer that was set for its reading."""
        record = event_record(closed, closed.closed_at)

        async def work(unit: UnitOfWork) -> None:
            await self.readings.on_billing_period_closed(unit.session(TENANT, CAUSE), closed, record)

        await transact(self.stores.store, work)
        clocks = {TENANT: ClockChange(closed.closed_at + GRACE)}
        await self.stores.store.commit(ChangeSet(clocks=clocks))
        (timer,) = await self.stores.store.due_timers(NOON, 10)
        return timer

    async def take(self, timer: Timer, pinned: PinnedUsage) -> None:
        async def work(unit: UnitOfWork) -> None:
            await self.readings.record(unit.session(TENANT, CAUSE), timer, pinned)

        await transact(self.stores.store, work)

    async def retry(self, done: Timer, retried: BillingRunRetried) -> Timer:
        """The billing run is retried after the timer of its first reading: the timer of the next reading."""
        record = (await self.ingest.read_stable(0, 1))[0]

        async def react(unit: UnitOfWork) -> None:
            session = unit.session(TENANT, msgspec.structs.replace(CAUSE, occurred_at=retried.retried_at))
            session.complete_timer(done.timer_id)
            await self.readings.on_billing_run_retried(session, retried, record)

        await transact(self.stores.store, react)
        await self.stores.store.commit(ChangeSet(clocks={TENANT: ClockChange(retried.retried_at)}))
        (again,) = await self.stores.store.due_timers(NOON, 10)
        return again

    async def published(self) -> Sequence[UsageReadingTaken]:
        records = await self.stores.store.read_stable(0, 100)
        history = await self.stores.store.load(TENANT, records[-1].stream_id)
        return [event for event in history.events if isinstance(event, UsageReadingTaken)]


@pytest.fixture
async def scenario(stores: Stores) -> Scenario:
    meters = (meter("count"), meter("sum-by-origin", "sum", group_by=("origin",)))
    writes = [stores.meters.add_write(TENANT, one) for one in meters]
    await stores.store.commit(
        ChangeSet(side_writes=writes + [stores.meters.activate_write(one.meter_id, 0) for one in meters])
    )
    scenario = Scenario(stores)
    await scenario.accept(
        usage(value=1, origin="JFK", time=START - timedelta(microseconds=1)),
        usage(value=2, origin="JFK", time=START),
        usage(value=4, origin="EWR", time=END - timedelta(microseconds=1)),
        usage(value=8, origin="EWR", time=END),
        usage("DL", value=16, origin="EWR"),
    )
    return scenario


async def test_a_reading_counts_what_happened_in_the_period_to_the_microsecond(scenario: Scenario) -> None:
    """[start, end) of the subject, per meter and dimension; a meter without usage reads zero."""
    await scenario.fold()
    timer = await scenario.close()
    assert (timer.purpose, timer.due_at) == (PURPOSE, END + GRACE)
    await scenario.take(timer, await scenario.readings.measure(timer))
    (reading,) = await scenario.published()
    told = [(q.meter_key, q.dimensions, q.quantity) for q in reading.quantities]
    assert told == [
        ("count", {}, Decimal(2)),
        ("nobody", {}, Decimal(0)),
        ("sum-by-origin", {"origin": "EWR"}, Decimal(4)),
        ("sum-by-origin", {"origin": "JFK"}, Decimal(2)),
    ]
    assert (reading.cutoff_partition, reading.cutoff_position) == (PARTITION, 1)
    assert (reading.period, reading.subject) == (CLOSED.period, "UA")


async def test_a_period_that_is_closed_long_after_its_end_is_read_a_grace_time_after_its_closing(
    stores: Stores,
) -> None:
    """A subscription that starts in the past closes its old periods now, and their usage is sent now."""
    backdated = msgspec.structs.replace(CLOSED, closed_at=END + timedelta(days=40))
    timer = await Scenario(stores).close(backdated)
    assert timer.due_at == END + timedelta(days=40) + GRACE


async def test_a_reading_says_how_many_events_of_its_period_could_not_be_read(scenario: Scenario) -> None:
    """Per meter, of the subject; the quantities do not include them."""
    await scenario.accept(
        usage(value="n/a"), usage(value=1, origin=[]), usage("DL"), usage(time=END), usage(value=1)
    )
    await scenario.fold()
    timer = await scenario.close()
    await scenario.take(timer, await scenario.readings.measure(timer))
    (reading,) = await scenario.published()
    assert reading.unreadable_counts == {"sum-by-origin": 2}


async def test_a_reading_waits_until_everything_accepted_is_folded(scenario: Scenario) -> None:
    """Accepted and not yet folded is not missing from a bill: the bill waits."""
    await scenario.fold()
    timer = await scenario.close()
    await scenario.accept(usage(value=32, origin="JFK"))
    with pytest.raises(UsageIsBehind):
        await scenario.readings.measure(timer)
    await scenario.fold()
    pinned = await scenario.readings.measure(timer)
    assert pinned.position == 2
    assert pinned.quantities[0].quantity == Decimal(3)


async def test_a_reading_waits_for_usage_that_lies_parked(scenario: Scenario) -> None:
    """The inbox position is after it, but it is not in the sums."""
    await scenario.fold(dead_lettered=True)
    timer = await scenario.close()
    with pytest.raises(UsageIsBehind, match="in the dead letters"):
        await scenario.readings.measure(timer)


async def test_a_reading_is_taken_once_and_stays_what_it_was(scenario: Scenario) -> None:
    """The timer may come again, the fact may be told again, usage may come later."""
    await scenario.fold()
    timer = await scenario.close()
    pinned = await scenario.readings.measure(timer)
    await scenario.take(timer, pinned)
    await scenario.accept(usage(value=32, origin="JFK"))
    await scenario.fold()
    again = await scenario.close()
    assert again.timer_id == timer.timer_id
    await scenario.take(timer, await scenario.readings.measure(timer))
    (reading,) = await scenario.published()
    assert reading.quantities == pinned.quantities


async def test_a_retried_billing_run_gets_a_second_reading_of_the_same_period(scenario: Scenario) -> None:
    """Usage that was corrected since is in it; the first reading stays what it was."""
    await scenario.fold()
    timer = await scenario.close()
    await scenario.take(timer, await scenario.readings.measure(timer))
    await scenario.accept(usage(value=-2, origin="JFK", time=START))
    await scenario.fold()
    retried = BillingRunRetried(
        run_id="run_1",
        invoice_id="inv_1",
        subscription_id=CLOSED.subscription_id,
        customer_id=CLOSED.customer_id,
        period=CLOSED.period,
        charges=CLOSED.charges,
        attempt=2,
        retried_at=END + 2 * GRACE,
    )
    again = await scenario.retry(timer, retried)
    assert again.due_at == retried.retried_at
    await scenario.take(again, await scenario.readings.measure(again))
    (second,) = await scenario.published()
    (first,) = (await scenario.stores.store.load(TENANT, timer_reading_id(timer))).events
    assert isinstance(first, UsageReadingTaken)
    assert (first.attempt, second.attempt, second.subject) == (1, 2, "UA")
    assert first.reading_id != second.reading_id
    totals = [
        sum(q.quantity for q in one.quantities if q.meter_key.startswith("sum")) for one in (first, second)
    ]
    assert totals == [6, 4]


async def test_a_reading_has_each_detail_that_some_price_of_the_period_needs(scenario: Scenario) -> None:
    """Of each meter by itself; the days are those of the customer's zone, here from 18:15 UTC on."""
    percentage = Percentage(percent=Decimal(1))
    charges = (
        Charge(key="share", name="Share", price=percentage, meter_key="sum-by-origin"),
        Charge(key="miles", name="Miles", price=PRICE, meter_key="sum-by-origin"),
        Charge(key="days", name="Days", price=Bucketed(bucket="day", price=PRICE), meter_key="count"),
        Charge(key="ghost", name="Ghost", price=percentage, meter_key="nobody"),
    )
    await scenario.accept(usage(value=3, origin="JFK", time=NOON - timedelta(hours=20)))
    await scenario.fold()
    closed = msgspec.structs.replace(CLOSED, charges=charges, time_zone="Asia/Kathmandu")
    timer = await scenario.close(closed)
    await scenario.take(timer, await scenario.readings.measure(timer))
    (reading,) = await scenario.published()
    told = [(one.meter_key, one.detail, list(map(int, one.parts))) for one in reading.quantities]
    assert told == [
        ("count", "days", [2, 1]),
        ("nobody", "events", []),
        ("sum-by-origin", "events", [4]),
        ("sum-by-origin", "events", [2, 3]),
        ("sum-by-origin", "total", []),
        ("sum-by-origin", "total", []),
    ]


async def test_a_retried_run_gets_the_parts_that_its_new_prices_need(scenario: Scenario) -> None:
    """The plan's price needed the total; the corrected one needs days of the zone that the run has kept."""
    await scenario.fold()
    first = await scenario.close()
    await scenario.take(first, await scenario.readings.measure(first))
    price = Bucketed(bucket="day", price=PRICE)
    retried = BillingRunRetried(
        run_id="run_1",
        invoice_id="inv_1",
        subscription_id=CLOSED.subscription_id,
        customer_id=CLOSED.customer_id,
        period=CLOSED.period,
        charges=(Charge(key="days", name="Days", price=price, meter_key="count"),),
        attempt=2,
        retried_at=END + GRACE,
        time_zone="Asia/Kathmandu",
    )
    again = await scenario.retry(first, retried)
    await scenario.take(again, await scenario.readings.measure(again))
    (reading,) = await scenario.published()
    [quantity] = reading.quantities
    assert (quantity.meter_key, quantity.detail, list(map(int, quantity.parts))) == ("count", "days", [1, 1])


async def test_a_timer_of_before_parts_takes_totals(scenario: Scenario) -> None:
    """Its payload names neither details nor a zone."""
    await scenario.fold()
    timer = await scenario.close()
    payload = {key: timer.payload[key] for key in timer.payload if key not in ("details", "time_zone")}
    old = replace(timer, payload=payload)
    assert await scenario.readings.measure(old) == await scenario.readings.measure(timer)


def timer_reading_id(timer: Timer) -> str:
    """The reading that a timer takes."""
    return msgspec.convert(timer.payload, ReadingRequest).reading_id
