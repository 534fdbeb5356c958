"""A meter counts the past too, each event once, whenever it is defined and whatever happens meanwhile."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from services.metering.backfills.backfill import MeterBackfill
from services.metering.conftest import Kept
from services.metering.readings.ports import UsageIsBehind
from services.metering.readings.tests.test_readings import PARTITION, PARTITIONS, PLACE, World
from services.metering.rollups.consumer import RollupConsumer
from services.metering.rollups.ports import CONSUMER
from services.metering.rollups.tests.test_rollups import total
from services.metering.tests.usage import METERS, NOON, TENANT, meter, much_usage, oracle, usage
from shared.framework.eventstore.ports import VersionConflict
from shared.framework.eventstore.records import ChangeSet, FeedPage, InboxAdvance, InboxPosition
from shared.framework.eventstore.unit_of_work import UnitOfWork
from shared.framework.messaging.feed import InProcessFeeds

START, END = NOON - timedelta(days=6), NOON + timedelta(days=1)


def backfill_of(world: World) -> MeterBackfill:
    kept = world.kept
    return MeterBackfill(
        kept.store, kept.book, kept.rollups, InProcessFeeds({"ingest": world.ingest}), PARTITIONS
    )


async def define(kept: Kept, key: str) -> None:
    of = next(one for one in METERS if one.key == key)
    await kept.store.commit(ChangeSet(side_writes=[kept.book.add(TENANT, of)]))


@pytest.mark.parametrize("seed", range(3))
async def test_any_interleaving_of_usage_folding_and_catching_up_counts_everything_once(
    kept: Kept, seed: int
) -> None:
    """Meters are defined before, amid and after the usage; the totals are those of all of it."""
    dice = random.Random(seed)
    world, events = World(kept), much_usage(dice, 200)
    backfill = backfill_of(world)
    keys = [one.key for one in METERS]
    waiting = list(events)
    while waiting or keys or await backfill.pending():
        match dice.randrange(4):
            case 0 if waiting:
                await world.accept(*(waiting.pop() for _ in range(min(20, len(waiting)))))
            case 1 if keys:
                await define(kept, keys.pop())
            case 2:
                await backfill.step()
            case _:
                await world.fold()
    await world.fold()
    for one in METERS:
        for subject in ("UA", "DL"):
            assert await total(kept, one, subject, START, END) == oracle(events, one, subject, START, END)


async def test_who_folds_while_a_meter_joins_folds_again(kept: Kept) -> None:
    """Else the usage in its hands would be counted neither live nor as the past."""
    world = World(kept)
    await define(kept, "count")
    await backfill_of(world).step()
    await define(kept, "sum")
    await world.accept(usage(value=1))
    page = await world.ingest.feed(PARTITION, PARTITIONS, 0, 10)
    unit = UnitOfWork(kept.store)
    await RollupConsumer(kept.book, kept.rollups)(unit, page.records)
    unit.changes.inbox.append(InboxAdvance(InboxPosition(CONSUMER, *PLACE, page.head), expected=0))
    for _ in range(2):
        await backfill_of(world).step()
    with pytest.raises(VersionConflict):
        await unit.commit()
    await world.fold()
    for key in ("count", "sum"):
        of = next(one for one in METERS if one.key == key)
        assert await total(kept, of, "UA", START, END) == {(): 1}


async def test_usage_folded_between_the_last_look_and_the_joining_is_caught_up_with(kept: Kept) -> None:
    """The feed said that nothing is left; by the time the meter joins, something was and has been folded."""
    world = World(kept)
    await define(kept, "count")

    class Late(InProcessFeeds):
        async def page(
            self, context: str, partition: int, partitions: int, after: int, limit: int
        ) -> FeedPage:
            page = await super().page(context, partition, partitions, after, limit)
            if not page.records and after == 0:
                await world.accept(usage())
                await world.fold()
            return page

    backfill = MeterBackfill(kept.store, kept.book, kept.rollups, Late({"ingest": world.ingest}), PARTITIONS)
    while await backfill.step():
        pass
    await world.fold()
    assert await total(kept, METERS[0], "UA", START, END) == {(): 1}


@pytest.mark.parametrize("damaged", [b"{", b"\x28\xb5\x2f\xfd\x20\x05ruin!"])
async def test_damaged_history_holds_back_the_meters_that_need_it_and_nobody_else(
    kept: Kept, damaged: bytes
) -> None:
    """Another tenant's meter joins; this one's readings wait, for they would bill too little."""
    world = World(kept)
    await define(kept, "count")
    elsewhere = meter("elsewhere", meter_id="mtr_elsewhere")
    await kept.store.commit(ChangeSet(side_writes=[kept.book.add("zzz", elsewhere)]))
    await world.accept(usage())

    class Damaged(InProcessFeeds):
        async def page(
            self, context: str, partition: int, partitions: int, after: int, limit: int
        ) -> FeedPage:
            page = await super().page(context, partition, partitions, after, limit)
            bad = tuple(replace(one, state=damaged) for one in page.records if one.tenant_id == TENANT)
            return replace(page, records=bad)

    backfill = MeterBackfill(
        kept.store, kept.book, kept.rollups, Damaged({"ingest": world.ingest}), PARTITIONS
    )
    while await backfill.step():
        pass
    assert [entry.meter.key for entry in await backfill.pending()] == ["count"]


async def test_a_reading_waits_for_a_meter_that_has_not_caught_up(kept: Kept) -> None:
    """It would bill the past as if there had been none."""
    world = World(kept)
    await define(kept, "count")
    await world.accept(usage())
    await world.fold()
    timer = await world.close()
    with pytest.raises(UsageIsBehind, match="not backfilled"):
        await world.readings.measure(timer)
    backfill = backfill_of(world)
    while await backfill.step():
        pass
    pinned = await world.readings.measure(timer)
    assert [one.quantity for one in pinned.quantities if one.meter_key == "count"] == [1]
