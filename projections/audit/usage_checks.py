"""Check of usage (docs/invariants.md, I2): what a meter accepts is counted, or known as unreadable."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC
from decimal import Decimal, localcontext
from operator import add
from typing import Any, NamedTuple

import msgspec

from projections.audit.report import Difference
from projections.engine.read_model import StoredRow
from projections.engine.row_store import RowStore, every_row
from projections.read_models.meters.projection import METERS, MeterRow
from projections.read_models.usage.projection import USAGE
from shared.billing.contracts.ingest.usage import UsageEvent, UsageRecorded
from shared.billing.money import EXACT
from shared.billing.usage_quantity import quantity_of
from shared.billing.usage_value import canonical_text, dimension_of, path_names, value_at
from shared.framework.core.event import Event
from shared.framework.eventstore.records import EventRecord


class Window(NamedTuple):
    """The usage of one subject and one combination of dimensions (by path) on one UTC day."""

    subject: str
    dimensions: tuple[tuple[str, str], ...]
    day: str


_NOTHING: dict[str, Any] = {}
_data_of = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode
_AMOUNTS: Mapping[str, Callable[[Any], int | Decimal | None]] = {
    "count": lambda _: 1,
    "sum": quantity_of,
    "max": quantity_of,
    "unique_count": lambda value: None if value is None or canonical_text(value) is None else 1,
}
"""What one event adds; None: the meter cannot read it. Of different values only their bound is checked."""


class MeterCheck:
    """The totals that one meter should have, and the number of events that it should find unreadable."""

    def __init__(self, meter: StoredRow[MeterRow]) -> None:
        """Nothing is accepted yet."""
        row = meter.row
        self.meter = meter
        self.totals: dict[Window, int | Decimal] = {}
        self.unreadable = 0
        self._amount = _AMOUNTS[row.aggregation]
        self._combined: Callable[[Any, Any], int | Decimal] = max if row.aggregation == "max" else add
        self._value_path = path_names(row.value_path) if row.value_path else ()
        self._group_by = [(path, path_names(path)) for path in row.group_by]
        self._filter = [(path_names(path), frozenset(texts)) for path, texts in row.filter.items()]
        self.needs_data = bool(self._value_path or self._group_by or self._filter)

    def add(self, event: UsageEvent, data: dict[str, Any]) -> None:
        """Take an accepted event of the meter's type."""
        if any(canonical_text(value_at(data, path)) not in texts for path, texts in self._filter):
            return
        amount = self._amount(value_at(data, self._value_path))
        dimensions = [(path, dimension_of(value_at(data, names))) for path, names in self._group_by]
        if amount is None or any(text is None for _, text in dimensions):
            self.unreadable += 1
            return
        day = event.time.astimezone(UTC).date().isoformat()
        texts = tuple(sorted((path, text) for path, text in dimensions if text is not None))
        window = Window(event.subject, texts, day)
        before = self.totals.get(window)
        self.totals[window] = amount if before is None else self._combined(before, amount)

    def differences(self, served: Mapping[Window, Decimal]) -> Iterable[Difference]:
        """One for each window whose total is wrong, and one if the number of unreadable events is."""
        tenant_id, row = self.meter.tenant_id, self.meter.row
        for window in sorted(served.keys() | self.totals.keys()):
            counted, accepted = served.get(window, Decimal(0)), Decimal(self.totals.get(window, 0))
            if not self._agrees(counted, accepted):
                groups = "".join(f", {path}={text}" for path, text in window.dimensions)
                what = f"meter {row.key}, subject {window.subject}{groups}, {window.day}"
                detail = f"counted {counted:f}; accepted {accepted:f}"
                yield Difference("usage counts", tenant_id, what, detail)
        if row.unreadable_count != self.unreadable:
            detail = f"unreadable {row.unreadable_count}; accepted and unreadable {self.unreadable}"
            yield Difference("usage counts", tenant_id, f"meter {row.key}", detail)

    def _agrees(self, counted: Decimal, accepted: Decimal) -> bool:
        if self.meter.row.aggregation == "unique_count":
            return min(Decimal(1), accepted) <= counted <= accepted
        return counted == accepted


class UsageCountCheck:
    """Compares accepted events with the daily totals of every meter, whose filter and groups it applies.

    Meters count the past too, so all accepted events count, whenever a meter was defined. Of unique_count
    only bounds are checked; an aggregation that is unknown here is left out.
    """

    def __init__(self, meters: Iterable[StoredRow[MeterRow]]) -> None:
        """Records come by `visit`."""
        self._checks = [MeterCheck(meter) for meter in meters if meter.row.aggregation in _AMOUNTS]
        self._by_type: defaultdict[tuple[str, str], list[MeterCheck]] = defaultdict(list)
        for check in self._checks:
            self._by_type[check.meter.tenant_id, check.meter.row.event_type].append(check)

    def visit(self, record: EventRecord, event: Event | None) -> None:
        """See RecordVisitor."""
        if isinstance(event, UsageRecorded):
            with localcontext(EXACT):
                for usage in event.events:
                    self._add(self._by_type.get((record.tenant_id, usage.type), ()), usage)

    def _add(self, checks: Iterable[MeterCheck], usage: UsageEvent) -> None:
        data: dict[str, Any] | None = None
        for check in checks:
            if check.needs_data and data is None:
                data = _data_of(bytes(usage.data))
            check.add(usage, data or _NOTHING)

    async def compare(self, rows: RowStore) -> list[Difference]:
        """One difference for each window or meter that is not as accepted."""
        served: defaultdict[tuple[str, str], dict[Window, Decimal]] = defaultdict(dict)
        async for stored in every_row(rows, USAGE):
            row = stored.row
            window = Window(row.subject, tuple(sorted(row.dimensions.items())), row.day)
            served[stored.tenant_id, row.meter_key][window] = row.value
        return [
            difference
            for check in self._checks
            for difference in check.differences(served[check.meter.tenant_id, check.meter.row.key])
        ]


async def usage_count_check(rows: RowStore) -> UsageCountCheck:
    """A check of the meters that are served: they are compared with their events by the rebuild."""
    return UsageCountCheck([meter async for meter in every_row(rows, METERS)])
