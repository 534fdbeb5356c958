"""Usage of one meter by window and group, and the refusals of an invalid query."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from services.metering.aggregations import AGGREGATIONS
from services.metering.rollups.accumulator import Series
from services.metering.rollups.hours import hour_and_offset, start_of
from services.metering.rollups.ports import RollupQuery, RollupSnapshot
from shared.billing.contracts.metering.meters import MeterDefined
from shared.framework.core.refusals import Refusal, RefusalKind


class RangeIsInvalid(Refusal):
    """The range must end after it starts and span at most 20 years and 10000 windows."""

    code = "range-invalid"
    kind = RefusalKind.INVALID


class DimensionIsUnknown(Refusal):
    """Usage can be grouped by `subject` and by the meter's `group_by` paths only."""

    code = "dimension-unknown"
    kind = RefusalKind.INVALID


HOURS_OF = {"hour": 1, "day": 24, "total": 0}
RANGE_MAX = timedelta(days=20 * 366)
WINDOWS_MAX = 10_000
SUBJECT = "subject"


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """Usage of one meter in [start, end), of one subject or all, per window (UTC) and per `group_by`."""

    meter: MeterDefined
    tenant_id: str
    subject: str | None
    start: datetime
    end: datetime
    window: str
    group_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UsageBucket:
    """The usage of one group in one window; the first and the last window are cut at the query's range."""

    start: datetime
    end: datetime
    group: dict[str, str]
    value: Decimal


async def usage_buckets(snapshot: RollupSnapshot, query: UsageQuery) -> Sequence[UsageBucket]:
    """The buckets of a valid query by group and time; without windows that have no usage."""
    return await usage_between(snapshot, query, _bounds(query))


async def usage_between(
    snapshot: RollupSnapshot,
    query: UsageQuery,
    bounds: Sequence[datetime],
    buckets_max: int | None = None,
) -> Sequence[UsageBucket]:
    """The buckets between neighbours of `bounds`, in the place of windows; at most `buckets_max`."""
    groups, numbers = await _groups(snapshot, query)
    combination = AGGREGATIONS[query.meter.aggregation].combination
    totals = await snapshot.totals(RollupQuery(numbers, combination, bounds, buckets_max))
    return [
        UsageBucket(
            bounds[bucket], bounds[bucket + 1], dict(zip(query.group_by, groups[group], strict=True)), value
        )
        for (group, bucket), value in sorted(totals.items())
    ]


async def event_values(
    snapshot: RollupSnapshot, query: UsageQuery, values_max: int
) -> Mapping[tuple[str, ...], Sequence[Decimal]] | None:
    """The value of each event of the range by group, in order of time, then of value.

    The meter counts numbers, not different values. None if there are more than `values_max`.
    """
    groups, numbers = await _groups(snapshot, query)
    found = await snapshot.values(numbers, query.start, query.end, values_max)
    return None if found is None else {groups[number]: values for number, values in found.items()}


async def _groups(
    snapshot: RollupSnapshot, query: UsageQuery
) -> tuple[Sequence[tuple[str, ...]], Mapping[Series, int]]:
    """The groups in order, and the series that have usage, each with the index of its group."""
    series = await snapshot.series(query.tenant_id, query.meter.meter_id, query.subject)
    values = [_group_of(one, query) for one in series]
    groups = sorted(set(values))
    number = {value: index for index, value in enumerate(groups)}
    return groups, {one: number[value] for one, value in zip(series, values, strict=True)}


def _group_of(series: Series, query: UsageQuery) -> tuple[str, ...]:
    # A path of the meter that is called `subject` hides the event's subject: invoices split by meter paths.
    by_name = {SUBJECT: series.subject} | dict(zip(query.meter.group_by, series.dimensions, strict=True))
    return tuple(by_name[name] for name in query.group_by)


def _bounds(query: UsageQuery) -> Sequence[datetime]:
    """The instants at which windows begin and end: the whole hours or days, and the ends of the range."""
    hours = HOURS_OF[query.window]
    if not hours:
        return [query.start, query.end]
    first, last = (hour_and_offset(instant)[0] // hours + 1 for instant in (query.start, query.end))
    starts = [start_of(number * hours) for number in range(first, last)]
    return sorted({query.start, *starts, query.end})


def validate(query: UsageQuery) -> None:
    """Refuse an invalid query: DimensionIsUnknown, RangeIsInvalid."""
    unknown = set(query.group_by) - {SUBJECT, *query.meter.group_by}
    if unknown:
        raise DimensionIsUnknown(", ".join(sorted(unknown)))
    if not timedelta(0) < query.end - query.start <= RANGE_MAX:
        raise RangeIsInvalid(f"{query.start.isoformat()} to {query.end.isoformat()}")
    hours = HOURS_OF[query.window]
    if hours and (query.end - query.start) / timedelta(hours=hours) > WINDOWS_MAX:
        raise RangeIsInvalid(f"more than {WINDOWS_MAX} windows: take longer ones")
