"""A meter counts the past too, each event once, whenever it is defined and whatever happens meanwhile."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from services.metering.backfills.backfill import MeterBackfill
from services.metering.conftest import Stores
from services.metering.readings.tests.test_readings import (
    PARTITION,
    PARTITION_OF_TOPIC,
    PARTITIONS,
    Scenario,
)
from services.metering.readings.usage_progress import UsageIsBehind
from services.metering.rollups.consumer import RollupConsumer
from services.metering.rollups.ports import CONSUMER
from services.metering.rollups.tests.test_rollups import total
from services.metering.tests.usage import (
    METERS,
    NOON,
    TENANT,
    SkippingSleeper,
    meter,
    much_usage,
    oracle,
    usage,
)
from shared.framework.eventstore.ports import InboxConflict, VersionConflict
from shared.framework.eventstore.records import ChangeSet, FeedPage, InboxAdvance, InboxPosition
from shared.framework.eventstore.unit_of_work import UnitOfWork
from shared.framework.messaging.feed import InProcessFeeds

START, END = NOON - timedelta(days=6), NOON + timedelta(days=1)


def backfill_of(scenario: Scenario) -> MeterBackfill:
    stores = scenario.stores
    return MeterBackfill(
        stores.store,
        stores.meters,
        stores.rollups,
        InProcessFeeds({"ingest": scenario.ingest}),
        SkippingSleeper(),
        PARTITIONS,
    )


async def define(stores: Stores, key: str) -> None:
    of = next(one for one in METERS if one.key == key)
    await stores.store.commit(ChangeSet(side_writes=[stores.meters.add_write(TENANT, of)]))


@pytest.mark.parametrize("seed", range(3))
async def test_any_interleaving_of_usage_folding_and_catching_up_counts_everything_once(
    stores: Stores, seed: int
) -> None:
    """Meters are defined before, amid and after the usage; the totals are those of all of it."""
    dice = random.Random(seed)
    scenario, events = Scenario(stores), much_usage(dice, 200)
    backfill = backfill_of(scenario)
    keys = [one.key for one in METERS]
    waiting = list(events)
    while waiting or keys or await backfill.pending():
        match dice.randrange(4):
            case 0 if waiting:
                await scenario.accept(*(waiting.pop() for _ in range(min(20, len(waiting)))))
            case 1 if keys:
                await define(stores, keys.pop())
            case 2:
                await backfill.step()
            case _:
                await scenario.fold()
    await scenario.fold()
    for one in METERS:
        for subject in ("UA", "DL"):
            assert await total(stores, one, subject, START, END) == oracle(events, one, subject, START, END)


class SlowFeeds(InProcessFeeds):
    """Feeds that let something happen before a page is read."""

    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def page(self, context: str, partition: int, partitions: int, after: int, limit: int) -> FeedPage:
        happens, self.meanwhile = self.meanwhile, None
        if happens is not None:
            await happens()
        return await super().page(context, partition, partitions, after, limit)


async def test_a_slow_process_does_not_count_what_the_active_meter_has_counted_live(stores: Stores) -> None:
    """It has seen the meter as pending; another process activates it before it reads the feed."""
    scenario = Scenario(stores)
    await define(stores, "count")
    feeds = SlowFeeds({"ingest": scenario.ingest})

    async def another_process() -> None:
        await backfill_of(scenario).step()
        await scenario.accept(usage(value=1))
        await scenario.fold()

    feeds.meanwhile = another_process
    await replace(backfill_of(scenario), feeds=feeds).step()
    assert await total(stores, meter("count"), "UA", START, END) == {(): 1}


async def test_a_slow_process_does_not_activate_a_meter_behind_what_another_has_counted(
    stores: Stores,
) -> None:
    """It has found the feed at its end; another process counts what came then."""
    scenario = Scenario(stores)
    await define(stores, "count")
    slow = backfill_of(scenario)
    [pending] = await slow.pending()
    changes = await slow._activate([(pending, await slow._reached(pending))])
    await scenario.accept(usage(value=1))
    await backfill_of(scenario).step()
    with pytest.raises(InboxConflict):
        await stores.store.commit(changes)


async def test_who_folds_while_a_meter_joins_folds_again(stores: Stores) -> None:
    """Else the usage in its hands would be counted neither live nor as the past."""
    scenario = Scenario(stores)
    await define(stores, "count")
    await backfill_of(scenario).step()
    await define(stores, "sum")
    await scenario.accept(usage(value=1))
    page = await scenario.ingest.feed(PARTITION, PARTITIONS, 0, 10)
    unit = UnitOfWork(stores.store)
    await RollupConsumer(stores.meters, stores.rollups)(unit, page.records)
    unit.changes.inbox.append(
        InboxAdvance(InboxPosition(CONSUMER, *PARTITION_OF_TOPIC, page.head), expected=0)
    )
    for _ in range(2):
        await backfill_of(scenario).step()
    with pytest.raises(VersionConflict):
        await unit.commit()
    await scenario.fold()
    for key in ("count", "sum"):
        of = next(one for one in METERS if one.key == key)
        assert await total(stores, of, "UA", START, END) == {(): 1}


async def test_usage_folded_between_the_last_look_and_the_joining_is_caught_up_with(stores: Stores) -> None:
    """The feed said that nothing is left; by the time the meter joins, something was and has been folded."""
    scenario = Scenario(stores)
    await define(stores, "count")

    class Late(InProcessFeeds):
        async def page(
            self, context: str, partition: int, partitions: int, after: int, limit: int
        ) -> FeedPage:
            page = await super().page(context, partition, partitions, after, limit)
            if not page.records and after == 0:
                await scenario.accept(usage())
                await scenario.fold()
            return page

    backfill = MeterBackfill(
        stores.store,
        stores.meters,
        stores.rollups,
        Late({"ingest": scenario.ingest}),
        SkippingSleeper(),
        PARTITIONS,
    )
    while await backfill.step():
        pass
    await scenario.fold()
    assert await total(stores, METERS[0], "UA", START, END) == {(): 1}


@pytest.mark.parametrize("damaged", [b"{", b"\x28\xb5\x2f\xfd\x20\x05ruin!"])
async def test_damaged_history_holds_back_the_meters_that_need_it_and_nobody_else(
    stores: Stores, damaged: bytes
) -> None:
    """Another tenant's meter joins; this one's readings wait, for they would bill too little."""
    scenario = Scenario(stores)
    await define(stores, "count")
    elsewhere = meter("elsewhere", meter_id="mtr_elsewhere")
    await stores.store.commit(ChangeSet(side_writes=[stores.meters.add_write("zzz", elsewhere)]))
    await scenario.accept(usage())

    class Damaged(InProcessFeeds):
        async def page(
            self, context: str, partition: int, partitions: int, after: int, limit: int
        ) -> FeedPage:
            page = await super().page(context, partition, partitions, after, limit)
            bad = tuple(replace(one, state=damaged) for one in page.records if one.tenant_id == TENANT)
            return replace(page, records=bad)

    backfill = MeterBackfill(
        stores.store,
        stores.meters,
        stores.rollups,
        Damaged({"ingest": scenario.ingest}),
        SkippingSleeper(),
        PARTITIONS,
    )
    while await backfill.step():
        pass
    assert [entry.meter.key for entry in await backfill.pending()] == ["count"]


async def test_a_reading_waits_for_a_meter_that_has_not_caught_up(stores: Stores) -> None:
    """It would bill the past as if there had been none."""
    scenario = Scenario(stores)
    await define(stores, "count")
    await scenario.accept(usage())
    await scenario.fold()
    timer = await scenario.close()
    with pytest.raises(UsageIsBehind, match="not backfilled"):
        await scenario.readings.measure(timer)
    backfill = backfill_of(scenario)
    while await backfill.step():
        pass
    pinned = await scenario.readings.measure(timer)
    assert [one.quantity for one in pinned.quantities if one.meter_key == "count"] == [1]
