"""Check of usage (docs/invariants.md, I2): each accepted usage event is counted once."""

from collections import Counter
from datetime import UTC, datetime
from typing import NamedTuple

from projections.audit.report import Difference
from projections.engine.read_model import StoredRow
from projections.engine.row_store import RowStore, every_row
from projections.read_models.meters.projection import METERS, MeterRow
from projections.read_models.usage.projection import USAGE
from shared.billing.contracts.ingest.usage import UsageRecorded
from shared.billing.contracts.metering.meters import MeterDefined
from shared.framework.core.event import Event
from shared.framework.eventstore.records import EventRecord


class UsageWindowKey(NamedTuple):
    """The usage events of one type and subject on one UTC day: one total of a count meter."""

    tenant_id: str
    event_type: str
    subject: str
    day: str


class UsageCountCheck:
    """Compares accepted events with the daily totals of every count meter that has no filter.

    A meter counts all usage accepted after its definition. Usage accepted before may have been aggregated
    before or after the definition, so it may be counted or not: the total lies between both counts.
    """

    def __init__(self) -> None:
        """Records come by `visit`."""
        self._accepted: list[tuple[datetime, Counter[UsageWindowKey]]] = []
        self._defined: dict[tuple[str, str], datetime] = {}

    def visit(self, record: EventRecord, event: Event | None) -> None:
        """See RecordVisitor."""
        match event:
            case UsageRecorded():
                self._accepted.append((record.recorded_at, windows_of(record.tenant_id, event)))
            case MeterDefined():
                self._defined.setdefault((record.tenant_id, event.key), record.recorded_at)

    async def compare(self, rows: RowStore) -> list[Difference]:
        """One difference for each window whose total is not the number of accepted events."""
        meters = [meter async for meter in every_row(rows, METERS) if _counts_all(meter.row)]
        served: dict[tuple[str, str], Counter[tuple[str, str]]] = {}
        async for window in every_row(rows, USAGE):
            totals = served.setdefault((window.tenant_id, window.row.meter_key), Counter())
            totals[window.row.subject, window.row.day] += int(window.row.value)
        found: list[Difference] = []
        for meter in meters:
            found += self._compared(meter, served.get((meter.tenant_id, meter.row.key), Counter()))
        return found

    def _compared(self, meter: StoredRow[MeterRow], served: Counter[tuple[str, str]]) -> list[Difference]:
        beginning = datetime.min.replace(tzinfo=UTC)
        defined_at = self._defined.get((meter.tenant_id, meter.row.key), beginning)
        every = self._of(meter, beginning)
        after = self._of(meter, defined_at)
        return [
            Difference(
                "usage counts",
                meter.tenant_id,
                f"meter {meter.row.key}, subject {subject}, {day}",
                f"counted {served[subject, day]}; accepted {every[subject, day]}",
            )
            for subject, day in sorted(served.keys() | every.keys())
            if not after[subject, day] <= served[subject, day] <= every[subject, day]
        ]

    def _of(self, meter: StoredRow[MeterRow], since: datetime) -> Counter[tuple[str, str]]:
        counts: Counter[tuple[str, str]] = Counter()
        wanted = (meter.tenant_id, meter.row.event_type)
        for recorded_at, windows in self._accepted:
            if recorded_at >= since:
                for window, count in windows.items():
                    if window[:2] == wanted:
                        counts[window.subject, window.day] += count
        return counts


def windows_of(tenant_id: str, event: UsageRecorded) -> Counter[UsageWindowKey]:
    """The number of events of a batch in each window."""
    return Counter(
        UsageWindowKey(tenant_id, usage.type, usage.subject, usage.time.astimezone(UTC).date().isoformat())
        for usage in event.events
    )


def _counts_all(row: MeterRow) -> bool:
    return row.aggregation == "count" and not row.filter
