"""The quantities of a reading: totals, and beside them the parts that a price needs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from services.metering.aggregations import AGGREGATIONS
from services.metering.aggregations.aggregation import Combination
from services.metering.meters.ports import RegisteredMeter
from services.metering.readings.calendar import bounds_of
from services.metering.rollups.ports import RollupSnapshot
from services.metering.usage_queries.query import (
    UsageQuery,
    event_values,
    usage_between,
    usage_buckets,
)
from shared.billing.contracts.metering.readings import MeterQuantity
from shared.billing.period import Period
from shared.billing.pricing import UsageDetail

PARTS_MAX = 100_000
"""Parts of one reading: about 1 MB. A billing run whose price needs more fails."""

TOO_MANY_PARTS = f"a reading has at most {PARTS_MAX} parts"
NO_EVENT_VALUES = "the values of its events are no numbers"

Group = tuple[str, ...]
"""The texts of a combination of dimensions, in the order of the meter's `group_by`."""


@dataclass(slots=True)
class PeriodQuantities:
    """Reads the quantities of one period from a snapshot, all of which share the room for parts."""

    snapshot: RollupSnapshot
    subject: str
    period: Period
    time_zone: str
    parts_left: int = PARTS_MAX

    async def read(
        self, key: str, registered: RegisteredMeter | None, detail: UsageDetail
    ) -> Sequence[MeterQuantity]:
        """The meter's quantity per combination of dimensions; zero if there is no usage or no such meter."""
        if registered is None or self.period.start >= self.period.end:
            return [_nothing(key, detail)]
        query = UsageQuery(
            registered.meter,
            registered.tenant_id,
            self.subject,
            self.period.start,
            self.period.end,
            "total",
            registered.meter.group_by,
        )
        totals = await usage_buckets(self.snapshot, query)
        parts = await self._parts(query, detail)
        return [
            MeterQuantity(
                meter_key=key,
                dimensions=total.group,
                quantity=total.value,
                detail=detail,
                parts=() if isinstance(parts, str) else tuple(parts.get(tuple(total.group.values()), ())),
                parts_missing=parts if isinstance(parts, str) else None,
            )
            for total in totals
        ] or [_nothing(key, detail)]

    async def _parts(self, query: UsageQuery, detail: UsageDetail) -> Mapping[Group, Sequence[Decimal]] | str:
        """The parts by group, in order of time; a text says why there are none."""
        if detail is UsageDetail.TOTAL:
            return {}
        if self.period.end - self.period.start > PARTS_MAX * timedelta(hours=1):
            return TOO_MANY_PARTS
        if detail is UsageDetail.EVENTS:
            if AGGREGATIONS[query.meter.aggregation].combination is Combination.DIFFERENT:
                return NO_EVENT_VALUES
            parts = await event_values(self.snapshot, query, self.parts_left)
        else:
            bounds = bounds_of(self.period, detail, self.time_zone)
            buckets = await usage_between(self.snapshot, query, bounds, self.parts_left + 1)
            parts = _by_group((tuple(one.group.values()), one.value) for one in buckets)
        count = self.parts_left + 1 if parts is None else sum(map(len, parts.values()))
        if parts is None or count > self.parts_left:
            return TOO_MANY_PARTS
        self.parts_left -= count
        return parts


def _by_group(values: Iterable[tuple[Group, Decimal]]) -> Mapping[Group, Sequence[Decimal]]:
    groups: defaultdict[Group, list[Decimal]] = defaultdict(list)
    for group, value in values:
        groups[group].append(value)
    return groups


def _nothing(key: str, detail: UsageDetail) -> MeterQuantity:
    return MeterQuantity(meter_key=key, dimensions={}, quantity=Decimal(0), detail=detail)
