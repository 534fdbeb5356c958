"""Facts that were heard become rows: one fold and one write per model, in the inbox's transaction."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from projections.engine.customer_index import mentions_of
from projections.engine.event_archive import History
from projections.engine.folding import Change, changes_of, facts_of
from projections.engine.freshness import Freshness, moments_of
from projections.engine.read_model import AnyModel
from projections.engine.row_store import Rows
from projections.register import READ_MODELS
from shared.framework.eventstore.port import Record
from shared.framework.eventstore.unit_of_work import UnitOfWork

Told = Callable[[AnyModel, Sequence[Change]], Awaitable[None]]


async def nobody_is_told(_: AnyModel, __: Sequence[Change]) -> None:
    """For those who keep no hot copy."""


@dataclass(frozen=True, slots=True)
class Runner:
    """A consumer's handler: rows, history and freshness move with the inbox or not at all.

    `tell` hears of changed rows before the transaction commits: whoever keeps a copy of them must stop
    trusting it now, and renew it once the new revision is there.
    """

    rows: Rows
    history: History
    freshness: Freshness
    partitions: int
    tell: Told = nobody_is_told
    models: Sequence[AnyModel] = READ_MODELS

    async def __call__(self, unit: UnitOfWork, records: Sequence[Record]) -> None:
        """Put all that follows from these records into the unit of work."""
        facts = facts_of(records)
        effects = unit.changes.effects
        effects.append(self.history.add(records, mentions_of(facts)))
        effects.append(self.freshness.note(moments_of(records, self.partitions)))
        for model in self.models:
            changes = await changes_of(model, facts, self.rows.load)
            if changes:
                effects.append(self.rows.save(model, changes))
                await self.tell(model, changes)
