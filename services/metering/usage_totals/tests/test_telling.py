"""What changed is told: the newest totals, in order, once."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import asyncpg
import pytest

from services.metering.conftest import Kept
from services.metering.rollups.consumer import RollupConsumer
from services.metering.tests.usage import NOON, TENANT, meter, record, usage
from services.metering.usage_totals.publisher import UsageTotalsPublisher
from shared.billing.contracts import decode
from shared.billing.contracts.ingest.usage import UsageEvent
from shared.billing.contracts.metering.usage_totals import UsageAggregated
from shared.framework.core.ids import slot_of
from shared.framework.eventstore.ports import StoreIsUnavailable
from shared.framework.eventstore.records import ChangeSet
from shared.framework.eventstore.unit_of_work import UnitOfWork
from shared.framework.messaging.feed import FeedUnavailable
from shared.framework.retry.periodic_task import repeat
from shared.framework.testing.fakes import FakeClock, SequentialIds


async def fold(kept: Kept, *events: UsageEvent, tenant: str = TENANT) -> None:
    unit = UnitOfWork(kept.store)
    await RollupConsumer(kept.book, kept.rollups)(unit, [record(events, 1, tenant)])
    await unit.commit()


def telling(kept: Kept) -> UsageTotalsPublisher:
    return UsageTotalsPublisher(kept.store, kept.rollups, kept.book, FakeClock(NOON), SequentialIds())


async def told(kept: Kept) -> list[UsageAggregated]:
    events = [decode(one.wire_name, one.state) for one in await kept.store.read_stable(0, 100)]
    return [event for event in events if isinstance(event, UsageAggregated)]


async def define(kept: Kept) -> None:
    of = meter("sum", "sum", group_by=("origin",))
    other = meter("sum", "sum", meter_id="mtr_bos")
    effects = [kept.book.add(TENANT, of), kept.book.add("bos", other)]
    effects += [kept.book.activate(one.meter_id, 0) for one in (of, other)]
    await kept.store.commit(ChangeSet(side_writes=effects))


async def test_each_changed_day_is_told_with_its_newest_total(kept: Kept) -> None:
    """Once per change, however many flushes it took."""
    await define(kept)
    assert await telling(kept).publish_changed_days() == 0
    await fold(kept, usage(value="1.5", origin="JFK"), usage(value=2, time=NOON - timedelta(days=1)))
    await fold(kept, usage(value=1, origin="JFK", time=NOON + timedelta(hours=11)))
    assert await telling(kept).publish_changed_days() == 2
    (event,) = await told(kept)
    assert {(w.meter_key, w.subject, w.dimensions["origin"], w.day, w.value) for w in event.windows} == {
        ("sum", "UA", "JFK", "2026-03-01", Decimal("2.5")),
        ("sum", "UA", "", "2026-02-28", Decimal(2)),
    }
    assert await telling(kept).publish_changed_days() == 0
    assert await kept.rollups.unpublished_count() == 0


async def test_every_tenant_is_told_of_apart_at_its_own_time(kept: Kept) -> None:
    """In its own partition, so that later totals come later."""
    await define(kept)
    then = datetime(2013, 5, 1, tzinfo=UTC)
    await kept.store.commit(ChangeSet(clocks={"bos": then}))
    await fold(kept, usage(value=1))
    await fold(kept, usage(value=1), tenant="bos")
    await telling(kept).publish_changed_days()
    records = await kept.store.read_stable(0, 10)
    assert {
        one.tenant_id: (one.slot, one.metadata.occurred_at, one.metadata.test_clock) for one in records
    } == {
        TENANT: (slot_of(TENANT), NOON, False),
        "bos": (slot_of("bos"), then, True),
    }


async def test_two_who_tell_never_tell_an_older_total_after_a_newer_one(in_memory: Kept) -> None:
    """Both read, both try: one is told that it was late."""
    await define(in_memory)
    await fold(in_memory, usage(value=1))
    counts = await asyncio.gather(*(telling(in_memory).publish_changed_days() for _ in range(3)))
    assert sorted(counts) == [0, 0, 1]
    assert len(await told(in_memory)) == 1


@pytest.mark.parametrize(
    "failure",
    [StoreIsUnavailable("away"), asyncpg.ConnectionDoesNotExistError("gone"), FeedUnavailable("slow")],
)
async def test_the_loop_goes_on_when_something_was_away(in_memory: Kept, failure: Exception) -> None:
    """Nothing is lost by it: the days stay changed."""
    await define(in_memory)
    await fold(in_memory, usage(value=1))

    class Away(UsageTotalsPublisher):
        failures = 2

        async def publish_changed_days(self) -> int:
            if Away.failures:
                Away.failures -= 1
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

    away = Away(in_memory.store, in_memory.rollups, in_memory.book, FakeClock(NOON), SequentialIds())
    try:
        await repeat("telling", away.step, ThreePauses(), 1.0)
    except Finished:
        assert len(await told(in_memory)) == 1
