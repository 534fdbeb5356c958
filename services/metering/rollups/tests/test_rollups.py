"""Rollups are exact, whatever the order, the batches, the repetitions and the bounds of the question."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest
from msgspec.structs import replace

from services.metering.conftest import Stores
from services.metering.rollups.consumer import RollupConsumer
from services.metering.rollups.ports import CONSUMER
from services.metering.tests.usage import METERS, NOON, TENANT, meter, much_usage, oracle, record, usage
from services.metering.usage_queries.query import UsageQuery, usage_buckets
from shared.billing.contracts import TOPICS
from shared.billing.contracts.ingest.usage import UsageEvent
from shared.billing.contracts.metering.meters import MeterDefined
from shared.framework.eventstore.ports import InboxConflict
from shared.framework.eventstore.records import ChangeSet, EventRecord, InboxAdvance, InboxPosition
from shared.framework.eventstore.unit_of_work import UnitOfWork

PARTITION = 0


async def define(stores: Stores, *meters: MeterDefined, tenant: str = TENANT) -> None:
    writes = [stores.meters.add_write(tenant, one) for one in meters]
    await stores.store.commit(
        ChangeSet(side_writes=writes + [stores.meters.activate_write(one.meter_id, 0) for one in meters])
    )


async def fold(stores: Stores, records: Sequence[EventRecord], expected: int) -> None:
    """What the consumer does with a poll: rollups and inbox position in one commit."""
    unit = UnitOfWork(stores.store)
    await RollupConsumer(stores.meters, stores.rollups)(unit, records)
    reached = InboxPosition(CONSUMER, TOPICS["ingest"], PARTITION, records[-1].position)
    unit.changes.inbox.append(InboxAdvance(reached, expected))
    await unit.commit()


async def deliver(stores: Stores, batches: Sequence[Sequence[UsageEvent]], polls: Sequence[int]) -> None:
    """Batches as records, so many of them per poll."""
    records = [record(batch, position) for position, batch in enumerate(batches, start=1)]
    done = 0
    for count in polls:
        if records[done : done + count]:
            await fold(stores, records[done : done + count], expected=done)
        done += count


async def total(
    stores: Stores, of: MeterDefined, subject: str | None, start: datetime, end: datetime
) -> dict[tuple[str, ...], Decimal]:
    query = UsageQuery(of, TENANT, subject, start, end, "total", of.group_by)
    async with stores.rollups.snapshot() as snapshot:
        found = await usage_buckets(snapshot, query)
    return {tuple(one.group.values()): one.value for one in found}


def split(dice: random.Random, events: Sequence[UsageEvent]) -> list[Sequence[UsageEvent]]:
    cuts = sorted(dice.sample(range(1, len(events)), 9))
    return [events[a:b] for a, b in zip([0, *cuts], [*cuts, len(events)], strict=True)]


@pytest.mark.parametrize("seed", range(3))
async def test_totals_equal_a_plain_count_over_any_stretch_of_time(stores: Stores, seed: int) -> None:
    """Shuffled, split and grouped at will; bounds anywhere within an hour; every meter, subject and group."""
    dice = random.Random(seed)
    events = much_usage(dice, 600)
    await define(stores, *METERS)
    await deliver(stores, split(dice, dice.sample(events, len(events))), [1, 4, 2, 3])
    bounds = [
        NOON - timedelta(days=6),
        NOON,
        *(NOON - timedelta(seconds=dice.randrange(432_000)) for _ in range(4)),
    ]
    bounds += [events[0].time, events[1].time, events[0].time + timedelta(microseconds=1)]
    for one in METERS:
        for subject in ("UA", "DL", "B6"):
            start, end = sorted(dice.sample(bounds, 2))
            assert await total(stores, one, subject, start, end) == oracle(events, one, subject, start, end)


async def test_a_batch_that_comes_again_counts_once(stores: Stores) -> None:
    """The inbox position moves with the rollups or not at all."""
    await define(stores, *METERS)
    batch = record([usage(value=3)], 1)
    await fold(stores, [batch], expected=0)
    with pytest.raises(InboxConflict):
        await fold(stores, [batch], expected=0)
    assert await total(stores, METERS[1], "UA", NOON, NOON + timedelta(hours=1)) == {(): Decimal(3)}


async def test_late_usage_changes_its_own_window(stores: Stores) -> None:
    """Event time decides, not the time of arrival."""
    await define(stores, meter("sum", "sum"))
    await deliver(stores, [[usage(value=1)], [usage(value=2, time=NOON - timedelta(days=40))]], [1, 1])
    then = NOON - timedelta(days=40)
    assert await total(stores, meter("sum", "sum"), "UA", then, then + timedelta(hours=1)) == {(): Decimal(2)}


@pytest.mark.parametrize(("window", "hours"), [("hour", 1), ("day", 24)])
async def test_windows_add_up_to_the_total_and_uniques_do_not(
    stores: Stores, window: str, hours: int
) -> None:
    """A tail number that flies on two days is one aircraft of the month."""
    await define(stores, *METERS)
    times = [NOON - timedelta(hours=30), NOON - timedelta(hours=29), NOON - timedelta(hours=2), NOON]
    await deliver(stores, [[usage(value="N1", time=time) for time in times]], [1])
    start, end = NOON - timedelta(days=2), NOON + timedelta(minutes=30)
    for key, values in (
        ("count", {"hour": [1, 1, 1, 1], "day": [2, 2]}),
        ("unique", {"hour": [1] * 4, "day": [1] * 2}),
    ):
        of = next(one for one in METERS if one.key == key)
        async with stores.rollups.snapshot() as snapshot:
            found = await usage_buckets(snapshot, UsageQuery(of, TENANT, "UA", start, end, window, ()))
        assert [one.value for one in found] == values[window]
        assert all(start <= one.start < one.end <= end for one in found)
        assert all(one.end - one.start <= timedelta(hours=hours) for one in found)
    assert await total(stores, METERS[2], "UA", start, end) == {(): Decimal(1)}


async def test_groups_can_be_summed_over_and_subjects_told_apart(stores: Stores) -> None:
    """Asked for less than the meter keeps apart, it answers exactly for what was asked."""
    of = meter("unique-by-origin", "unique_count", group_by=("origin",))
    await define(stores, of)
    events = [
        usage("UA", value="N1", origin="JFK"),
        usage("UA", value="N1", origin="EWR"),
        usage("DL", value="N1"),
    ]
    await deliver(stores, [events], [1])
    end = NOON + timedelta(hours=1)
    answers: tuple[tuple[tuple[str, ...], dict[tuple[str, ...], int]], ...] = (
        ((), {(): 1}),
        (("origin",), {("JFK",): 1, ("EWR",): 1, ("",): 1}),
        (("subject",), {("UA",): 1, ("DL",): 1}),
    )
    for group_by, expected in answers:
        async with stores.rollups.snapshot() as snapshot:
            found = await usage_buckets(snapshot, UsageQuery(of, TENANT, None, NOON, end, "total", group_by))
        assert {tuple(one.group.values()): one.value for one in found} == expected


async def test_a_path_called_subject_is_still_the_meters_own(stores: Stores) -> None:
    """A reading splits by what the event's data says, and does not fold it into the event's subject."""
    by_subject = meter("sum-by-subject", "sum", group_by=("subject",))
    await define(stores, by_subject)
    events = [usage("UA", value=1, subject="north"), usage("UA", value=2, subject="south")]
    await deliver(stores, [events], [1])
    found = await total(stores, by_subject, "UA", NOON, NOON + timedelta(hours=1))
    assert found == {("north",): 1, ("south",): 2}


async def test_what_a_meter_cannot_read_is_counted_as_such_and_billed_by_the_others(stores: Stores) -> None:
    """A missing value is no reason to stop, and none to forget."""
    await define(stores, *METERS)
    bad = [
        usage(),
        usage(value="1e1000000"),
        usage(value=None),
        usage(value=[1]),
        usage(value="x" * 10, origin={}),
    ]
    await deliver(stores, [bad, [usage(value=7)]], [1, 1])
    end = NOON + timedelta(hours=1)
    assert await total(stores, METERS[0], "UA", NOON, end) == {(): Decimal(6)}
    assert await total(stores, METERS[1], "UA", NOON, end) == {(): Decimal(7)}
    assert await stores.meters.unreadable_count(TENANT, METERS[1].meter_id) == 5
    assert await stores.meters.unreadable_count(TENANT, METERS[2].meter_id) == 3
    assert await stores.meters.unreadable_count(TENANT, METERS[0].meter_id) == 0


@pytest.mark.parametrize("end", [timedelta(minutes=1), timedelta(hours=1), timedelta(days=2)])
async def test_sums_lose_no_digit_of_what_ingest_accepts(stores: Stores, end: timedelta) -> None:
    """From 1e-40 to 1e40, as numbers and as texts; over parts of an hour, whole hours and days."""
    of = meter("sum", "sum")
    await define(stores, of)
    numbers = ["0.30000000000000004", "1e21", "1E-40", "9.99e40", "1" * 40, "-0." + "1" * 40, "0.1"]
    texts = [*numbers, ".5", "5.", "+7"]
    events = [event_of(f'{{"value":{number}}}') for number in numbers]
    events += [usage(value=text) for text in texts]
    await deliver(stores, [events[0::2], events[1::2]], [1, 1])
    exact = sum(map(Fraction, numbers + [text.rstrip(".") for text in texts]))
    found = await total(stores, of, "UA", NOON, NOON + end)
    assert [Fraction(value) for value in found.values()] == [exact]
    async with stores.rollups.snapshot() as snapshot:
        (day,) = await snapshot.changed_days(10)
    assert Fraction(day.value) == exact
    assert await stores.meters.unreadable_count(TENANT, of.meter_id) == 0


def event_of(data: str) -> UsageEvent:
    """An event with this JSON."""
    return replace(usage(), data=msgspec.Raw(data.encode()))


@pytest.mark.parametrize("seed", range(3))
async def test_one_rule_of_equality_groups_filters_and_tells_apart(stores: Stores, seed: int) -> None:
    """1, 1.0, 1e0 and "1" are one value, in any order and batches; "1.0" is another, and so is true."""
    spellings = {
        "1": ["1", "1.0", "1e0", '"1"'],
        "1.0": ['"1.0"'],
        "true": ["true", '"true"'],
        "": ["null", '""'],
    }
    spelt = [event_of(f'{{"size":{one}}}') for each in spellings.values() for one in each]
    by_size = meter("by-size", group_by=("size",))
    sizes = meter("sizes", "unique_count", value_path="size")
    ones = meter("ones", filter={"size": ("1",)})
    await define(stores, by_size, sizes, ones)
    random.Random(seed).shuffle(spelt)
    await deliver(stores, [spelt[:4], spelt[4:]], [1, 1])
    end = NOON + timedelta(minutes=1)
    by_text = {(text,): len(each) for text, each in spellings.items()}
    assert await total(stores, by_size, "UA", NOON, end) == by_text
    assert await total(stores, sizes, "UA", NOON, end) == {(): 4}  # null is no value
    assert await total(stores, ones, "UA", NOON, end) == {(): 4}


async def test_groups_made_of_parts_do_not_run_together(stores: Stores) -> None:
    """Whatever separator a text contains."""
    of = meter("by-two", group_by=("a", "b"))
    await define(stores, of)
    pairs = [
        ("1\x1fb=2", ""),
        ("1", "b=2"),
        ("1\x1f", "b=2"),
        ("1", "\x1fb=2"),
        ('1","b=2', ""),
        ("1,", "b=2"),
    ]
    await deliver(stores, [[usage(a=a, b=b) for a, b in pairs]], [1])
    counted = await total(stores, of, "UA", NOON, NOON + timedelta(hours=1))
    assert counted == dict.fromkeys(pairs, Decimal(1))


async def test_another_tenants_usage_of_the_same_type_is_not_counted(stores: Stores) -> None:
    """Meters listen to their own tenant."""
    await define(stores, meter("count"))
    await fold(stores, [record([usage()], 1, tenant_id="bos"), record([usage()], 2)], expected=0)
    assert await total(stores, meter("count"), None, NOON, NOON + timedelta(hours=1)) == {(): Decimal(1)}


async def test_a_snapshot_pairs_totals_with_the_position_that_they_include(stores: Stores) -> None:
    """What a reading pins: a fold in between changes neither."""
    await define(stores, meter("count"))
    await deliver(stores, [[usage()], [usage()]], [2])
    async with stores.rollups.snapshot() as snapshot:
        query = UsageQuery(meter("count"), TENANT, "UA", NOON, NOON + timedelta(hours=1), "total", ())
        assert await snapshot.position(PARTITION) == 2
        await fold(stores, [record([usage()], 3)], expected=2)
        assert [one.value for one in await usage_buckets(snapshot, query)] == [Decimal(2)]
        assert await snapshot.position(PARTITION) == 2


async def test_the_greatest_value_is_that_of_all_usage_however_late(stores: Stores) -> None:
    """Of the day and of any stretch of time; below zero too; a smaller one that is late changes nothing."""
    of = meter("max", "max")
    await define(stores, of)
    later, end = NOON + timedelta(hours=2), NOON + timedelta(hours=3)
    batches = [[usage(value=-7)], [usage(value="-2.5"), usage(value=-9, time=later)], [usage(value=-4)]]
    await deliver(stores, batches, [1, 1, 1])
    assert await total(stores, of, "UA", NOON, end) == {(): Decimal("-2.5")}
    assert await total(stores, of, "UA", NOON, NOON + timedelta(minutes=1)) == {(): Decimal("-2.5")}
    assert await total(stores, of, "UA", NOON + timedelta(minutes=1), end) == {(): Decimal(-9)}
    async with stores.rollups.snapshot() as snapshot:
        assert [day.value for day in await snapshot.changed_days(10)] == [Decimal("-2.5")]


async def test_changed_days_are_kept_until_they_are_told(stores: Stores) -> None:
    """A day that changes again while it is being told stays to be told again."""
    of = meter("unique", "unique_count")
    await define(stores, of, meter("sum", "sum"))
    await deliver(
        stores, [[usage(value=1), usage(value=1, time=NOON + timedelta(hours=11)), usage(value=2)]], [1]
    )
    async with stores.rollups.snapshot() as snapshot:
        days = await snapshot.changed_days(10)
    assert {(day.series.meter_id, day.day, day.value) for day in days} == {
        (of.meter_id, NOON.date(), Decimal(2)),
        (meter("sum").meter_id, NOON.date(), Decimal(4)),
    }
    await fold(stores, [record([usage(value="3")], 2)], expected=1)
    await stores.store.commit(ChangeSet(side_writes=[await stores.rollups.mark_published_write(days)]))
    assert await stores.rollups.unpublished_count() == 2
    async with stores.rollups.snapshot() as snapshot:
        days = await snapshot.changed_days(10)
    await stores.store.commit(ChangeSet(side_writes=[await stores.rollups.mark_published_write(days)]))
    assert await stores.rollups.unpublished_count() == 0
