"""What an audit needs: the read side as it stood at one moment, and room beside it."""

from collections.abc import Sequence
from typing import Protocol

from projections.audit.report import Difference
from projections.engine.customer_index import Mention
from projections.engine.folding import Change
from projections.engine.freshness import Moment
from projections.engine.read_model import AnyModel
from projections.engine.row_store import Rows
from shared.framework.eventstore.port import Record


class Snapshot(Protocol):
    """Everything in it is of one moment; what is written beside it is gone when the audit ends."""

    @property
    def live(self) -> Rows:
        """The rows that are served."""
        ...

    @property
    def beside(self) -> Rows:
        """The rows that the audit makes."""
        ...

    async def marks(self) -> dict[tuple[str, int], int]:
        """How far each (topic, partition) had been heard."""
        ...

    async def write(self, model: AnyModel, changes: Sequence[Change]) -> None:
        """Put rows beside."""
        ...

    async def compare(self, model: AnyModel) -> list[Difference]:
        """Every row that is not the same here and beside, in all of its columns."""
        ...

    async def measure(self, model: AnyModel) -> tuple[int, str]:
        """How many rows are served, and a digest over all of them."""
        ...

    async def history(self, context: str, after: int, limit: int) -> Sequence[Record]:
        """The raw history of a context, by position."""
        ...

    async def mentions(self) -> set[Mention]:
        """Which streams were said to speak of which customers."""
        ...

    async def moments(self) -> set[Moment]:
        """The newest moments that were noted."""
        ...
