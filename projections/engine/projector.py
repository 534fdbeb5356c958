"""Facts that were heard become rows: one fold and one write per model, in the inbox's transaction."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

from projections.engine.customer_index import customer_streams
from projections.engine.event_archive import EventArchive
from projections.engine.folding import RowChange, facts_of, row_changes
from projections.engine.freshness import FreshnessStore, latest_event_times
from projections.engine.read_model import AnyModel
from projections.engine.row_store import RowStore
from shared.framework.eventstore.records import EventRecord
from shared.framework.eventstore.unit_of_work import UnitOfWork

ChangeListener = Callable[[AnyModel, Sequence[RowChange]], Awaitable[None]]


async def no_listener(_: AnyModel, __: Sequence[RowChange]) -> None:
    """For a process without a cache."""


@dataclass(frozen=True, slots=True)
class Projector:
    """A consumer's handler: rows, history and freshness move with the inbox or not at all.

    `tell` hears of changed rows before the transaction commits: whoever keeps a copy of them must stop
    trusting it now, and renew it once the new revision is there.
    """

    models: Collection[AnyModel]
    rows: RowStore
    history: EventArchive
    freshness: FreshnessStore
    partitions: int
    tell: ChangeListener = no_listener

    async def __call__(self, unit: UnitOfWork, records: Sequence[EventRecord]) -> None:
        """Put all that follows from these records into the unit of work."""
        facts = facts_of(records, self.models)
        effects = unit.changes.side_writes
        effects.append(self.history.add(records, customer_streams(facts)))
        effects.append(self.freshness.note(latest_event_times(records, self.partitions)))
        for model in self.models:
            changes = await row_changes(model, facts, self.rows.load)
            if changes:
                effects.append(self.rows.save(model, changes))
                await self.tell(model, changes)
