"""What an audit needs: the read side as it stood at one moment, and room beside it."""

from collections.abc import Sequence
from typing import Protocol

from projections.audit.report import Difference
from projections.engine.customer_index import CustomerStream
from projections.engine.folding import RowChange
from projections.engine.freshness import LatestEventTime
from projections.engine.read_model import AnyModel
from projections.engine.row_store import RowStore
from shared.framework.eventstore.records import EventRecord


class AuditSnapshot(Protocol):
    """Everything in it is of one moment; what is written beside it is gone when the audit ends."""

    @property
    def live(self) -> RowStore:
        """The rows that are served."""
        ...

    @property
    def beside(self) -> RowStore:
        """The rows that the audit makes."""
        ...

    async def inbox_positions(self) -> dict[tuple[str, int], int]:
        """How far each (topic, partition) had been heard."""
        ...

    async def write(self, model: AnyModel, changes: Sequence[RowChange]) -> None:
        """Put rows beside."""
        ...

    async def compare(self, model: AnyModel) -> list[Difference]:
        """Every row that is not the same here and beside, in all of its columns."""
        ...

    async def digest(self, model: AnyModel) -> tuple[int, str]:
        """How many rows are served, and a digest over all of them."""
        ...

    async def history(self, context: str, after: int, limit: int) -> Sequence[EventRecord]:
        """The raw history of a context, by position."""
        ...

    async def customer_streams(self) -> set[CustomerStream]:
        """Which streams were said to speak of which customers."""
        ...

    async def latest_event_times(self) -> set[LatestEventTime]:
        """The newest moments that were noted."""
        ...
