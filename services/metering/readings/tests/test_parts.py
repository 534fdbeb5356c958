"""The parts of a reading: quantities of hours, days and months, and the values of events."""

import json
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from zoneinfo import ZoneInfo

import pytest

from services.metering.backfills.tests.test_backfill import backfill_of
from services.metering.conftest import Stores
from services.metering.meters.ports import RegisteredMeter
from services.metering.readings.query import NO_EVENT_VALUES, PARTS_MAX, TOO_MANY_PARTS, PeriodQuantities
from services.metering.readings.tests.test_readings import Scenario
from services.metering.rollups.tests.test_rollups import define, deliver, event_of, fold, split
from services.metering.tests.usage import METERS, NOON, TENANT, meter, much_usage, record, usage
from shared.billing.contracts.ingest.usage import UsageEvent
from shared.billing.contracts.metering.meters import MeterDefined
from shared.billing.contracts.metering.readings import MeterQuantity
from shared.billing.period import Period
from shared.billing.pricing import UsageDetail
from shared.framework.eventstore.ports import InboxConflict
from shared.framework.eventstore.records import ChangeSet

NAMES = {UsageDetail.HOURS: "%Y-%m-%d %H", UsageDetail.DAYS: "%Y-%m-%d", UsageDetail.MONTHS: "%Y-%m"}
Parts = dict[tuple[str, ...], list[Decimal]]


async def read(
    stores: Stores,
    of: MeterDefined,
    detail: UsageDetail,
    period: Period,
    zone: str = "UTC",
    parts_left: int = PARTS_MAX,
) -> Sequence[MeterQuantity]:
    async with stores.rollups.snapshot() as snapshot:
        quantities = PeriodQuantities(snapshot, "UA", period, zone, parts_left)
        return await quantities.read(of.key, RegisteredMeter(TENANT, of, 0), detail)


def oracle(
    events: Sequence[UsageEvent], of: MeterDefined, detail: UsageDetail, period: Period, zone: str
) -> Parts:
    """The parts by plain dates, one event at a time."""
    found: defaultdict[tuple[str, ...], defaultdict[str, list[Decimal]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for event in sorted(events, key=lambda one: one.time):
        data = json.loads(bytes(event.data))
        value = data.get("value") if of.aggregation == "sum" else 1
        if (event.type, event.subject) != ("flight", "UA") or not period.start <= event.time < period.end:
            continue
        if isinstance(value, bool) or value in (None, "n/a"):
            continue
        local = event.time.astimezone(UTC if detail is UsageDetail.HOURS else ZoneInfo(zone))
        name = event.time.isoformat() if detail is UsageDetail.EVENTS else local.strftime(NAMES[detail])
        found[tuple(data.get(path) or "" for path in of.group_by)][name].append(Decimal(str(value)))
    if detail is UsageDetail.EVENTS:
        return {
            group: [value for times in named.values() for value in sorted(times)]
            for group, named in found.items()
        }
    return {group: list(map(exact_sum, named.values())) for group, named in found.items()}


def exact_sum(values: Iterable[Decimal]) -> Decimal:
    with localcontext(prec=200):
        return sum(values, Decimal(0))


def decimals(*numbers: int) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, numbers))


def by_group(quantities: Sequence[MeterQuantity]) -> Parts:
    return {tuple(one.dimensions.values()): list(one.parts) for one in quantities}


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns"])
async def test_parts_are_exact_in_every_zone_and_sum_to_the_total(stores: Stores, zone: str) -> None:
    """Whatever the order of arrival; bounds within hours; clocks change on one of these days."""
    dice = random.Random(zone)
    shift = timedelta(days=35 if zone == "Australia/Lord_Howe" else 9)  # to the days of the change
    events = [moved(event, shift) for event in much_usage(dice, 400)]
    additive = [one for one in METERS if one.aggregation == "sum" or one.key == "count"]
    await define(stores, *additive)
    await deliver(stores, split(dice, dice.sample(events, len(events))), [1, 4, 2, 3])
    start = NOON + shift - timedelta(days=4, minutes=dice.randrange(60), seconds=dice.randrange(60))
    period = Period(start, NOON + shift - timedelta(seconds=dice.randrange(7200)))
    for one in additive:
        for detail in (UsageDetail.HOURS, UsageDetail.DAYS, UsageDetail.MONTHS, UsageDetail.EVENTS):
            quantities = await read(stores, one, detail, period, zone)
            assert by_group(quantities) == oracle(events, one, detail, period, zone)
            assert {(each.detail, each.parts_missing) for each in quantities} == {(detail, None)}
            for each in quantities:
                assert exact_sum(each.parts) == each.quantity


def moved(event: UsageEvent, by: timedelta) -> UsageEvent:
    return usage(event.subject, event.time + by, event.type, **json.loads(bytes(event.data)))


@pytest.mark.parametrize("seed", range(3))
async def test_events_of_one_instant_are_in_order_of_their_values(stores: Stores, seed: int) -> None:
    """So any order of arrival gives the same reading, to the last digit and sign of an exponent."""
    of = meter("sum", "sum")
    await define(stores, of)
    spelt = ["2", "-1", "1.50", "1.5", "15e-1", "0.1", "10", "1e1"]
    events = [event_of(f'{{"value":{one}}}') for one in spelt]
    events.append(usage(value=99, time=NOON - timedelta(microseconds=1)))
    random.Random(seed).shuffle(events)
    await deliver(stores, [events[:3], events[3:]], [1, 1])
    period = Period(NOON - timedelta(minutes=1), NOON + timedelta(minutes=1))
    [quantity] = await read(stores, of, UsageDetail.EVENTS, period)
    expected = ["99", "-1", "0.1", "1.5", "1.5", "1.50", "2", "10", "1E+1"]
    assert list(map(str, quantity.parts)) == expected


async def test_late_usage_is_a_part_of_its_own_time(stores: Stores) -> None:
    """Of the day and the place among events where it belongs."""
    of = meter("sum", "sum")
    await define(stores, of)
    late = usage(value=5, time=NOON - timedelta(hours=20))
    await deliver(stores, [[usage(value=1)], [usage(value=2, time=NOON - timedelta(days=1))], [late]], [1, 2])
    period = Period(NOON - timedelta(days=2), NOON + timedelta(hours=1))
    for detail, parts in ((UsageDetail.DAYS, [7, 1]), (UsageDetail.EVENTS, [2, 5, 1])):
        [quantity] = await read(stores, of, detail, period)
        assert list(quantity.parts) == parts


async def test_a_batch_that_comes_again_adds_no_part(stores: Stores) -> None:
    """Parts are written in the transaction of the inbox position, as sums are."""
    of = meter("sum", "sum")
    await define(stores, of)
    batch = record([usage(value=3)], 1)
    await fold(stores, [batch], expected=0)
    with pytest.raises(InboxConflict):
        await fold(stores, [batch], expected=0)
    [quantity] = await read(stores, of, UsageDetail.EVENTS, Period(NOON, NOON + timedelta(hours=1)))
    assert quantity.parts == decimals(3)


async def test_a_new_meter_has_the_parts_of_the_past_too(stores: Stores) -> None:
    """Its backfill reads events that other meters have counted, and those of now are counted once."""
    scenario = Scenario(stores)
    await define(stores, meter("count"))
    await scenario.accept(usage(value=2), usage(value=1), usage(value="n/a"))
    await scenario.fold()
    of = meter("sum", "sum")
    await stores.store.commit(ChangeSet(side_writes=[stores.meters.add_write(TENANT, of)]))
    backfill = backfill_of(scenario)
    while await backfill.pending():
        await backfill.step()
    await scenario.accept(usage(value=3, time=NOON - timedelta(seconds=1)))
    await scenario.fold()
    period = Period(NOON - timedelta(hours=1), NOON + timedelta(hours=1))
    [quantity] = await read(stores, of, UsageDetail.EVENTS, period)
    assert quantity.parts == decimals(3, 1, 2)


async def test_days_of_a_unique_count_are_counted_each(stores: Stores) -> None:
    """The same aircraft on two local days is one of each day, and one of the period."""
    of = meter("unique", "unique_count")
    await define(stores, of)
    midnight = datetime(2026, 2, 27, 18, 15, tzinfo=UTC)  # in Kathmandu
    before, after = midnight - timedelta(microseconds=1), midnight
    events = [usage(value="N1", time=before), usage(value="N1", time=after), usage(value="N2", time=after)]
    await deliver(stores, [events], [1])
    period = Period(midnight - timedelta(days=1), midnight + timedelta(days=1))
    [quantity] = await read(stores, of, UsageDetail.DAYS, period, "Asia/Kathmandu")
    assert (quantity.quantity, *quantity.parts) == decimals(2, 1, 2)


async def test_parts_of_a_maximum_are_the_greatest_of_each(stores: Stores) -> None:
    """The quantity is the greatest of all."""
    of = meter("max", "max")
    await define(stores, of)
    values = {NOON: "3", NOON + timedelta(minutes=1): "9", NOON + timedelta(hours=1): "10"}
    await deliver(stores, [[usage(value=value, time=time) for time, value in values.items()]], [1])
    period = Period(NOON - timedelta(days=1), NOON + timedelta(days=1))
    for detail, parts in ((UsageDetail.HOURS, decimals(9, 10)), (UsageDetail.EVENTS, decimals(3, 9, 10))):
        [quantity] = await read(stores, of, detail, period)
        assert (quantity.quantity, quantity.parts) == (Decimal(10), parts)


async def test_a_meter_of_different_values_has_no_values_of_events(stores: Stores) -> None:
    """Only their digests are kept; the reading says so."""
    of = meter("unique", "unique_count")
    await define(stores, of)
    await deliver(stores, [[usage(value="N1")]], [1])
    [quantity] = await read(stores, of, UsageDetail.EVENTS, Period(NOON, NOON + timedelta(hours=1)))
    assert (quantity.quantity, quantity.parts) == (Decimal(1), ())
    assert quantity.parts_missing == NO_EVENT_VALUES


@pytest.mark.parametrize("detail", [UsageDetail.HOURS, UsageDetail.DAYS, UsageDetail.EVENTS])
async def test_more_parts_than_a_reading_may_have_are_named_and_left_out(
    stores: Stores, detail: UsageDetail
) -> None:
    """The total is there, and the parts are not cut off silently."""
    of = meter("sum", "sum", group_by=("origin",))
    await define(stores, of)
    events = [
        usage(value=1, origin=origin, time=NOON - timedelta(days=days))
        for days, origin in enumerate(["JFK", "EWR", "JFK"])
    ]
    await deliver(stores, [events], [1])
    period = Period(NOON - timedelta(days=5), NOON + timedelta(hours=1))
    enough = await read(stores, of, detail, period, parts_left=3)
    assert by_group(enough) == {("EWR",): [1], ("JFK",): [1, 1]}
    few = await read(stores, of, detail, period, parts_left=2)
    assert [(one.quantity, one.parts, one.parts_missing) for one in few] == [
        (Decimal(1), (), TOO_MANY_PARTS),
        (Decimal(2), (), TOO_MANY_PARTS),
    ]
    for_ever = Period(NOON - timedelta(days=20 * 366), NOON + timedelta(hours=1))
    assert {one.parts_missing for one in await read(stores, of, detail, for_ever)} == {TOO_MANY_PARTS}


async def test_all_meters_of_a_reading_share_the_room_for_parts(stores: Stores) -> None:
    """The bound is of the reading, in the order of its meters."""
    of = meter("count")
    await define(stores, of)
    await deliver(stores, [[usage(), usage(time=NOON + timedelta(minutes=1))]], [1])
    async with stores.rollups.snapshot() as snapshot:
        quantities = PeriodQuantities(snapshot, "UA", Period(NOON, NOON + timedelta(hours=1)), "UTC", 3)
        counted = RegisteredMeter(TENANT, of, 0)
        [first] = await quantities.read("count", counted, UsageDetail.EVENTS)
        [second] = await quantities.read("count", counted, UsageDetail.EVENTS)
        [third] = await quantities.read("count", counted, UsageDetail.HOURS)
    assert (first.parts, third.parts) == (decimals(1, 1), decimals(2))
    assert second.parts_missing == TOO_MANY_PARTS


async def test_without_usage_there_are_no_parts(stores: Stores) -> None:
    """And the quantity is zero, as of a total."""
    await define(stores, meter("count"))
    for detail in UsageDetail:
        [quantity] = await read(stores, meter("count"), detail, Period(NOON, NOON + timedelta(days=1)))
        assert quantity == MeterQuantity(meter_key="count", dimensions={}, quantity=Decimal(0), detail=detail)
