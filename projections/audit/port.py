"""Port for what an audit reads: a snapshot of the read side, and tables for the rebuilt rows."""

from collections.abc import Sequence
from typing import Any, Protocol

from projections.audit.report import Difference
from projections.engine.event_archive import CustomerStream
from projections.engine.freshness import LatestEventTime
from projections.engine.read_model import AnyModel
from projections.engine.row_store import RowStore
from shared.framework.eventstore.records import EventRecord


class AuditSnapshot(Protocol):
    """The read side at one instant; the rebuilt rows are removed when the audit ends."""

    @property
    def live(self) -> RowStore:
        """The rows that are served."""

    @property
    def rebuilt(self) -> RowStore:
        """The rows that the audit writes."""

    @property
    def connection(self) -> Any:
        """The argument for side writes of `rebuilt`."""

    async def inbox_positions(self) -> dict[tuple[str, int], int]:
        """The position of the read side's consumer in each (topic, partition)."""

    async def compare(self, model: AnyModel) -> list[Difference]:
        """One difference for each row that is not the same in `live` and `rebuilt`, in all of its columns."""

    async def digest(self, model: AnyModel) -> tuple[int, str]:
        """The number of live rows, and a digest over all of them."""

    async def history(self, context: str, after: int, limit: int) -> Sequence[EventRecord]:
        """Archived records of a context after a position, in order."""

    async def customer_streams(self) -> set[CustomerStream]:
        """The customer index."""

    async def latest_event_times(self) -> set[LatestEventTime]:
        """The newest event times of all tenants."""
