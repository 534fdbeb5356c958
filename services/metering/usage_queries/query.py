"""Every way in which metering says no."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from services.metering.aggregations import AGGREGATIONS
from services.metering.rollups.accumulator import Series
from services.metering.rollups.hours import hour_range, start_of
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
    """One window of one group. The first and last window may be cut by the range that was asked for."""

    start: datetime
    end: datetime
    group: dict[str, str]
    value: Decimal


async def usage_buckets(snapshot: RollupSnapshot, asked: UsageQuery) -> Sequence[UsageBucket]:
    """The answer by group and time; windows without usage are left out."""
    series = await snapshot.series(asked.tenant_id, asked.meter.meter_id, asked.subject)
    names = [_group_of(one, asked) for one in series]
    groups = sorted(set(names))
    number = {name: at for at, name in enumerate(groups)}
    hours = HOURS_OF[asked.window]
    question = RollupQuery(
        groups={one: number[name] for one, name in zip(series, names, strict=True)},
        is_additive=AGGREGATIONS[asked.meter.aggregation].is_additive,
        stretch=hour_range(asked.start, asked.end),
        bucket_hours=hours,
    )
    totals = await snapshot.totals(question)
    return [
        UsageBucket(
            *_bounds(bucket, hours, asked), dict(zip(asked.group_by, groups[group], strict=True)), value
        )
        for (group, bucket), value in sorted(totals.items())
    ]


def _group_of(series: Series, asked: UsageQuery) -> tuple[str, ...]:
    # A meter's own path comes first, also one that is called `subject`: bills are split by what meters say.
    at = {SUBJECT: series.subject} | dict(zip(asked.meter.group_by, series.dimensions, strict=True))
    return tuple(at[name] for name in asked.group_by)


def _bounds(bucket: int, hours: int, asked: UsageQuery) -> tuple[datetime, datetime]:
    if not hours:
        return asked.start, asked.end
    start = start_of(bucket * hours)
    return max(start, asked.start), min(start + timedelta(hours=hours), asked.end)


def validate(asked: UsageQuery) -> None:
    """Refuse what cannot be answered: RangeIsInvalid, DimensionIsUnknown."""
    unknown = set(asked.group_by) - {SUBJECT, *asked.meter.group_by}
    if unknown:
        raise DimensionIsUnknown(", ".join(sorted(unknown)))
    if not timedelta(0) < asked.end - asked.start <= RANGE_MAX:
        raise RangeIsInvalid(f"{asked.start.isoformat()} to {asked.end.isoformat()}")
    hours = HOURS_OF[asked.window]
    if hours and (asked.end - asked.start) / timedelta(hours=hours) > WINDOWS_MAX:
        raise RangeIsInvalid(f"more than {WINDOWS_MAX} windows: take longer ones")
