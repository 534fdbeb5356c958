"""What changed is told: the newest totals, in order, once."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import asyncpg
import pytest

from services.metering.conftest import Stores
from services.metering.rollups.consumer import RollupConsumer
from services.metering.tests.usage import NOON, TENANT, meter, record, usage
from services.metering.usage_totals.publisher import UsageTotalsPublisher
from shared.billing.contracts import decode
from shared.billing.contracts.ingest.usage import UsageEvent
from shared.billing.contracts.metering.usage_totals import UsageAggregated
from shared.framework.core.ids import slot_of
from shared.framework.eventstore.ports import StoreIsUnavailable
from shared.framework.eventstore.records import ChangeSet, ClockChange
from shared.framework.eventstore.unit_of_work import UnitOfWork
from shared.framework.messaging.feed import FeedUnavailable
from shared.framework.retry.periodic_task import repeat
from shared.framework.testing.fakes import FakeClock, SequentialIds


async def fold(stores: Stores, *events: UsageEvent, tenant: str = TENANT) -> None:
    unit = UnitOfWork(stores.store)
    await RollupConsumer(stores.meters, stores.rollups)(unit, [record(events, 1, tenant)])
    await unit.commit()


def publisher_of(stores: Stores) -> UsageTotalsPublisher:
    return UsageTotalsPublisher(stores.store, stores.rollups, stores.meters, FakeClock(NOON), SequentialIds())


async def published(stores: Stores) -> list[UsageAggregated]:
    events = [decode(one.wire_name, one.state) for one in await stores.store.read_stable(0, 100)]
    return [event for event in events if isinstance(event, UsageAggregated)]


async def define(stores: Stores) -> None:
    of = meter("sum", "sum", group_by=("origin",))
    other = meter("sum", "sum", meter_id="mtr_bos")
    writes = [stores.meters.add_write(TENANT, of), stores.meters.add_write("bos", other)]
    writes += [stores.meters.activate_write(one.meter_id, 0) for one in (of, other)]
    await stores.store.commit(ChangeSet(side_writes=writes))


async def test_each_changed_day_is_told_with_its_newest_total(stores: Stores) -> None:
    """Once per change, however many flushes it took."""
    await define(stores)
    assert await publisher_of(stores).publish_changed_days() == 0
    await fold(stores, usage(value="1.5", origin="JFK"), usage(value=2, time=NOON - timedelta(days=1)))
    await fold(stores, usage(value=1, origin="JFK", time=NOON + timedelta(hours=11)))
    assert await publisher_of(stores).publish_changed_days() == 2
    (event,) = await published(stores)
    assert {(w.meter_key, w.subject, w.dimensions["origin"], w.day, w.value) for w in event.windows} == {
        ("sum", "UA", "JFK", "2026-03-01", Decimal("2.5")),
        ("sum", "UA", "", "2026-02-28", Decimal(2)),
    }
    assert await publisher_of(stores).publish_changed_days() == 0
    assert await stores.rollups.unpublished_count() == 0


async def test_every_tenant_is_told_of_apart_at_its_own_time(stores: Stores) -> None:
    """In its own partition, so that later totals come later."""
    await define(stores)
    then = datetime(2013, 5, 1, tzinfo=UTC)
    await stores.store.commit(ChangeSet(clocks={"bos": ClockChange(then)}))
    await fold(stores, usage(value=1))
    await fold(stores, usage(value=1), tenant="bos")
    await publisher_of(stores).publish_changed_days()
    records = await stores.store.read_stable(0, 10)
    assert {
        one.tenant_id: (one.slot, one.metadata.occurred_at, one.metadata.test_clock) for one in records
    } == {
        TENANT: (slot_of(TENANT), NOON, False),
        "bos": (slot_of("bos"), then, True),
    }


async def test_two_who_tell_never_tell_an_older_total_after_a_newer_one(in_memory: Stores) -> None:
    """Both read, both try: one is told that it was late."""
    await define(in_memory)
    await fold(in_memory, usage(value=1))
    counts = await asyncio.gather(*(publisher_of(in_memory).publish_changed_days() for _ in range(3)))
    assert sorted(counts) == [0, 0, 1]
    assert len(await published(in_memory)) == 1


@pytest.mark.parametrize(
    "failure",
    [StoreIsUnavailable("away"), asyncpg.ConnectionDoesNotExistError("gone"), FeedUnavailable("slow")],
)
async def test_the_loop_goes_on_when_something_was_away(in_memory: Stores, failure: Exception) -> None:
    """Nothing is lost by it: the days stay changed."""
    await define(in_memory)
    await fold(in_memory, usage(value=1))

    class FailingPublisher(UsageTotalsPublisher):
        failures = 2

        async def publish_changed_days(self) -> int:
            if FailingPublisher.failures:
                FailingPublisher.failures -= 1
                raise failure
            return await UsageTotalsPublisher.publish_changed_days(self)

    class Finished(Exception):
        pass

    class ThreePauses:
        pauses = 0

        async def sleep(self, seconds: float, wake: asyncio.Event | None = None) -> bool:
            self.pauses += 1
            if self.pauses == 3:
                raise Finished
            return False

        def elapsed(self) -> float:
            return 0.0

    publisher = FailingPublisher(
        in_memory.store, in_memory.rollups, in_memory.meters, FakeClock(NOON), SequentialIds()
    )
    try:
        await repeat("usage totals", publisher.step, ThreePauses(), 1.0)
    except Finished:
        assert len(await published(in_memory)) == 1
