"""Usage added up by meter, series and hour, in exact numbers; order and grouping of events do not matter."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any, NamedTuple, Self

import msgspec

from services.metering.aggregations import AGGREGATIONS
from services.metering.aggregations.aggregation import Aggregation, Combination, MeasuredValue
from services.metering.aggregations.unreadable import UnreadableReason, reason_of_group, reason_of_value
from services.metering.rollups.hours import hour_and_offset
from services.metering.rollups.unreadable_usage import UnreadableEvent, UnreadableUse
from shared.billing.contracts.metering.meters import MeterDefined
from shared.billing.money import EXACT
from shared.billing.usage_value import canonical_text, dimension_of, path_names, value_at


class MeterInput(msgspec.Struct, gc=False):
    """The part of a usage event that meters read; numbers in `data` are exact (int, Decimal)."""

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
    """The usage of one series in one hour: every point, and their sum if it is the quantity.

    A point is (microseconds since the hour began, amount). Points are kept because a period may begin or end
    within an hour.
    """

    combination: Combination
    value: int | Decimal = 0
    points: list[tuple[int, MeasuredValue]] = []


@dataclass(frozen=True, slots=True)
class CompiledMeter:
    """A meter's definition with its paths split, so that this is not done for every event."""

    tenant_id: str
    meter_id: str
    event_type: str
    aggregation: Aggregation
    value_path: tuple[str, ...]
    group_by: tuple[tuple[str, ...], ...]
    filter: tuple[tuple[tuple[str, ...], frozenset[str]], ...]

    @classmethod
    def of(cls, tenant_id: str, meter: MeterDefined) -> Self:
        """Compile a tenant's meter."""
        return cls(
            tenant_id,
            meter.meter_id,
            meter.event_type,
            AGGREGATIONS[meter.aggregation],
            path_names(meter.value_path) if meter.value_path else (),
            tuple(map(path_names, meter.group_by)),
            tuple((path_names(path), frozenset(texts)) for path, texts in meter.filter.items()),
        )

    def why_unreadable(self, data: dict[str, Any]) -> tuple[UnreadableReason, str]:
        """Why data that is not counted cannot be read, and the path of the value at fault."""
        value = value_at(data, self.value_path)
        if self.aggregation.read(value) is None:
            return reason_of_value(value), ".".join(self.value_path)
        unread = next(path for path in self.group_by if dimension_of(value_at(data, path)) is None)
        return reason_of_group(value_at(data, unread)), ".".join(unread)


class MeterAccumulator:
    """The usage of one meter. `add` is the innermost loop of metering, so it is written for speed."""

    __slots__ = ("_is_sum", "_read", "_value_path", "cells", "meter")

    def __init__(self, meter: CompiledMeter) -> None:
        """`cells` by subject, hour and dimensions."""
        self.cells: dict[tuple[str, int, tuple[str, ...]], RollupCell] = {}
        self.meter = meter
        self._read = meter.aggregation.read
        self._is_sum = meter.aggregation.combination is Combination.SUM
        self._value_path = meter.value_path

    def add(self, subject: str, data: dict[str, Any], hour: int, offset_us: int) -> bool:
        """Count one event, unless the filter excludes it. False if it cannot be read."""
        meter = self.meter
        if meter.filter:
            for path, texts in meter.filter:
                if canonical_text(value_at(data, path)) not in texts:
                    return True
        amount = self._read(value_at(data, self._value_path))
        dimensions = (
            tuple([dimension_of(value_at(data, path)) for path in meter.group_by]) if meter.group_by else ()
        )
        if amount is None or None in dimensions:
            return False
        key = (subject, hour, dimensions)
        cell = self.cells.get(key)  # type: ignore[arg-type]  # there is no None among the dimensions
        if cell is None:
            cell = self.cells[key] = RollupCell(meter.aggregation.combination)  # type: ignore[index]
        if self._is_sum:
            cell.value += amount  # type: ignore[operator]  # these amounts are numbers
        cell.points.append((offset_us, amount))
        return True


class UsageAccumulator:
    """The usage of any number of meters, and the events that they could not read."""

    def __init__(self) -> None:
        """No usage yet."""
        self._counts: dict[CompiledMeter, MeterAccumulator] = {}
        self.unreadable: list[UnreadableEvent] = []

    def add(self, events: Iterable[MeterInput], meters: Iterable[CompiledMeter]) -> list[UnreadableUse]:
        """Count each event by every meter of its type; returns what could not be read.

        Events and meters are of one tenant.
        """
        unreadable: list[UnreadableUse] = []
        by_type: defaultdict[str, list[MeterAccumulator]] = defaultdict(list)
        for meter in meters:
            by_type[meter.event_type].append(self._counts.setdefault(meter, MeterAccumulator(meter)))
        with localcontext(EXACT):
            for index, event in enumerate(events):
                counts = by_type.get(event.type)
                if counts is not None:
                    hour, offset_us = hour_and_offset(event.time)
                    for count in counts:
                        if not count.add(event.subject, event.data, hour, offset_us):
                            why = count.meter.why_unreadable(event.data)
                            unreadable.append(UnreadableUse(count.meter.meter_id, index, *why))
        return unreadable

    def cells(self) -> Iterator[tuple[Series, int, RollupCell]]:
        """Every series and hour that was counted."""
        for meter, count in self._counts.items():
            for (subject, hour, dimensions), cell in count.cells.items():
                yield Series(meter.tenant_id, meter.meter_id, subject, dimensions), hour, cell
