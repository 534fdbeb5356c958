"""I2: each accepted event of usage is counted once, no more and no less."""

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
    """What a count meter counts: events of a type, of one subject, on one UTC day."""

    tenant_id: str
    event_type: str
    subject: str
    day: str


class UsageCountCheck:
    """Compares accepted events with the daily totals of every count meter that has no filter.

    A meter counts what was accepted after its definition for certain; what was accepted before may have
    been folded before or after it. So a total lies between both counts, and where all usage came after
    the definition it is exact.
    """

    def __init__(self) -> None:
        """Nothing seen yet."""
        self._accepted: list[tuple[datetime, Counter[UsageWindowKey]]] = []
        self._defined: dict[tuple[str, str], datetime] = {}

    def visit(self, record: EventRecord, event: Event | None) -> None:
        """One record more."""
        match event:
            case UsageRecorded():
                self._accepted.append((record.recorded_at, windows_of(record.tenant_id, event)))
            case MeterDefined():
                self._defined.setdefault((record.tenant_id, event.key), record.recorded_at)

    async def compare(self, rows: RowStore) -> list[Difference]:
        """Every window of which the total is not what was accepted."""
        meters = [meter async for meter in every_row(rows, METERS) if _counts_all(meter.row)]
        told: dict[tuple[str, str], Counter[tuple[str, str]]] = {}
        async for window in every_row(rows, USAGE):
            totals = told.setdefault((window.tenant_id, window.row.meter_key), Counter())
            totals[window.row.subject, window.row.day] += int(window.row.value)
        found: list[Difference] = []
        for meter in meters:
            found += self._compared(meter, told.get((meter.tenant_id, meter.row.key), Counter()))
        return found

    def _compared(self, meter: StoredRow[MeterRow], told: Counter[tuple[str, str]]) -> list[Difference]:
        beginning = datetime.min.replace(tzinfo=UTC)
        defined_at = self._defined.get((meter.tenant_id, meter.row.key), beginning)
        every = self._of(meter, beginning)
        after = self._of(meter, defined_at)
        return [
            Difference(
                "usage counts",
                meter.tenant_id,
                f"meter {meter.row.key}, subject {subject}, {day}",
                f"counted {told[subject, day]}; accepted {every[subject, day]}",
            )
            for subject, day in sorted(told.keys() | every.keys())
            if not after[subject, day] <= told[subject, day] <= every[subject, day]
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
    """How many events of a batch fall into which window."""
    return Counter(
        UsageWindowKey(tenant_id, usage.type, usage.subject, usage.time.astimezone(UTC).date().isoformat())
        for usage in event.events
    )


def _counts_all(row: MeterRow) -> bool:
    return row.aggregation == "count" and not row.filter
