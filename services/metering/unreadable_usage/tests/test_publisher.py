"""Owners are told of what their meters cannot read: in few events, with the true number."""

from collections.abc import Sequence
from datetime import timedelta

import asyncpg

from services.metering.conftest import Stores
from services.metering.meters.decider import DefineMeter
from services.metering.meters.handlers import define_meter
from services.metering.rollups.consumer import RollupConsumer
from services.metering.tests.usage import NOON, TENANT, meter, record, usage
from services.metering.unreadable_usage.publisher import UnreadableUsagePublisher
from shared.billing.contracts import decode
from shared.billing.contracts.ingest.usage import UsageEvent
from shared.billing.contracts.metering.meters import MeterDefined, UnreadableUsageFound
from shared.framework.core.event import Metadata
from shared.framework.eventstore.records import ChangeSet
from shared.framework.eventstore.unit_of_work import UnitOfWork, transact
from shared.framework.testing.fakes import FakeClock, SequentialIds

CAUSE = Metadata(correlation_id="c", actor="a", occurred_at=NOON)


async def define(stores: Stores, of: MeterDefined) -> None:
    async def work(unit: UnitOfWork) -> None:
        await define_meter(unit.session(TENANT, CAUSE), DefineMeter(of), meters=stores.meters)

    await transact(stores.store, work)


async def activate(stores: Stores, of: MeterDefined) -> None:
    await stores.store.commit(ChangeSet(side_writes=[stores.meters.activate_write(of.meter_id, 0)]))


async def fold(stores: Stores, position: int, *events: UsageEvent) -> None:
    unit = UnitOfWork(stores.store)
    await RollupConsumer(stores.meters, stores.rollups)(unit, [record(events, position)])
    await unit.commit()


async def publish(stores: Stores) -> Sequence[UnreadableUsageFound]:
    """What has been published after the publisher's next step."""
    publisher = UnreadableUsagePublisher(stores.store, stores.unreadable, FakeClock(NOON), SequentialIds())
    assert not await publisher.step()
    events = [decode(one.wire_name, one.state) for one in await stores.store.read_stable(0, 100)]
    return [event for event in events if isinstance(event, UnreadableUsageFound)]


async def test_the_number_is_published_once_in_the_meters_stream_with_the_newest_reason(
    stores: Stores,
) -> None:
    """However many events there are; meters that read everything are not spoken of."""
    of = meter("sum", "sum")
    for one in (of, meter("count")):
        await define(stores, one)
        await activate(stores, one)
    assert await publish(stores) == []
    await fold(stores, 1, usage(value=1), usage("DL", value="n/a"), usage(value={}, time=NOON - timedelta(1)))
    assert await stores.unreadable.unpublished_count() == 1
    for _ in range(2):
        assert await publish(stores) == [
            UnreadableUsageFound(
                meter_id=of.meter_id,
                meter_key="sum",
                unreadable_count=2,
                reason="not-scalar",
                path="value",
                source="s",
                event_id="e",
                subject="UA",
                time=NOON - timedelta(1),
                found_at=NOON,
            )
        ]
    assert await stores.unreadable.unpublished_count() == 0
    assert await stores.store.version(TENANT, of.meter_id) == 2


async def test_a_meter_that_counts_the_past_is_spoken_of_when_it_has(stores: Stores) -> None:
    """Else every page of its past would be an alert."""
    of, other = meter("sum", "sum"), meter("other", "sum")
    await define(stores, of)
    await activate(stores, of)
    await fold(stores, 1, usage())
    await define(stores, other)
    assert [found.meter_key for found in await publish(stores)] == ["sum"]


async def test_who_sends_unreadable_usage_for_ever_gets_few_alerts(
    pool: "asyncpg.Pool[asyncpg.Record]", on_postgres: Stores
) -> None:
    """After 120 of them one a minute; the next one tells the newest number."""
    of = meter("sum", "sum")
    stores = on_postgres
    await define(stores, of)
    await activate(stores, of)
    await fold(stores, 1, usage())
    assert len(await publish(stores)) == 1
    lately = "UPDATE unreadable_counts SET publications = 500, published_at = now() - interval '%s s'"
    await pool.execute(lately % 59)
    await fold(stores, 2, usage(), usage())
    assert len(await publish(stores)) == 1
    await pool.execute(lately % 60)
    assert [found.unreadable_count for found in await publish(stores)] == [1, 3]
