"""Usage folded into hourly tallies: exact numbers, and the same result in any order and any grouping."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, localcontext
from typing import Any, NamedTuple, Self

import msgspec

from services.metering.aggregations import AGGREGATIONS
from services.metering.aggregations.aggregation import Aggregation, MeasuredValue
from services.metering.aggregations.value_path import text_of, value_at
from services.metering.rollups.hours import day_of, hour_and_offset
from shared.billing.contracts.metering.meters import MeterDefined
from shared.billing.money import EXACT


class MeterInput(msgspec.Struct, gc=False):
    """Of a usage event, what a meter looks at; numbers in `data` are exact (int, Decimal)."""

    type: str
    subject: str
    time: datetime
    data: dict[str, Any]


class Series(NamedTuple):
    """One meter, one subject, one combination of dimensions (in the order of the meter's `group_by`)."""

    tenant_id: str
    meter_id: str
    subject: str
    dimensions: tuple[str, ...]


class RollupCell(msgspec.Struct):
    """What one series counted in one hour: every single point, and their sum if the meter adds up.

    A point is (microseconds since the hour began, amount): periods may begin at any instant.
    """

    is_additive: bool
    value: int | Decimal = 0
    points: list[tuple[int, MeasuredValue]] = []


@dataclass(frozen=True, slots=True)
class CompiledMeter:
    """A meter made ready to count."""

    tenant_id: str
    meter_id: str
    event_type: str
    aggregation: Aggregation
    value_path: tuple[str, ...]
    group_by: tuple[tuple[str, ...], ...]
    filter: tuple[tuple[tuple[str, ...], frozenset[str]], ...]

    @classmethod
    def of(cls, tenant_id: str, meter: MeterDefined) -> Self:
        """Take its definition apart once, instead of at every event."""
        return cls(
            tenant_id,
            meter.meter_id,
            meter.event_type,
            AGGREGATIONS[meter.aggregation],
            _names(meter.value_path) if meter.value_path else (),
            tuple(map(_names, meter.group_by)),
            tuple((_names(path), frozenset(texts)) for path, texts in meter.filter.items()),
        )


class MeterAccumulator:
    """What one gauge has counted; this is the innermost loop of the house, so it is written for speed."""

    __slots__ = ("_read", "_value_path", "cells", "gauge", "unreadable")

    def __init__(self, gauge: CompiledMeter) -> None:
        """Begin with nothing."""
        self.gauge = gauge
        self.cells: dict[tuple[str, int, tuple[str, ...]], RollupCell] = {}
        self.unreadable: Counter[int] = Counter()
        self._read = gauge.aggregation.read
        self._value_path = gauge.value_path

    def add(self, subject: str, data: dict[str, Any], hour: int, offset_us: int) -> None:
        """Count one event, unless the filter keeps it out or it cannot be read."""
        gauge = self.gauge
        if gauge.filter and not all(text_of(value_at(data, path)) in texts for path, texts in gauge.filter):
            return
        amount = self._read(value_at(data, self._value_path))
        dimensions = (
            tuple([text_of(value_at(data, path)) for path in gauge.group_by]) if gauge.group_by else ()
        )
        if amount is None or None in dimensions:
            self.unreadable[hour] += 1
            return
        key = (subject, hour, dimensions)
        cell = self.cells.get(key)  # type: ignore[arg-type]  # there is no None among the dimensions
        if cell is None:
            cell = self.cells[key] = RollupCell(gauge.aggregation.is_additive)  # type: ignore[index]
        if cell.is_additive:
            cell.value += amount  # type: ignore[operator]  # additive amounts are numbers
        cell.points.append((offset_us, amount))


class UsageAccumulator:
    """What some usage amounts to, by gauge."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._counts: dict[CompiledMeter, MeterAccumulator] = {}

    def add(self, events: Iterable[MeterInput], gauges: Iterable[CompiledMeter]) -> None:
        """Count events by every gauge (of their tenant) that listens to them."""
        listening: defaultdict[str, list[MeterAccumulator]] = defaultdict(list)
        for gauge in gauges:
            listening[gauge.event_type].append(self._counts.setdefault(gauge, MeterAccumulator(gauge)))
        with localcontext(EXACT):
            for event in events:
                counts = listening.get(event.type)
                if counts is not None:
                    hour, offset_us = hour_and_offset(event.time)
                    for count in counts:
                        count.add(event.subject, event.data, hour, offset_us)

    def cells(self) -> Iterator[tuple[Series, int, RollupCell]]:
        """Every series and hour that was counted."""
        for gauge, count in self._counts.items():
            for (subject, hour, dimensions), cell in count.cells.items():
                yield Series(gauge.tenant_id, gauge.meter_id, subject, dimensions), hour, cell

    def unreadable(self) -> Counter[tuple[str, date]]:
        """How many events each meter could not read, by meter id and day."""
        found: Counter[tuple[str, date]] = Counter()
        for gauge, count in self._counts.items():
            for hour, events in count.unreadable.items():
                found[gauge.meter_id, day_of(hour)] += events
        return found


def _names(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))
