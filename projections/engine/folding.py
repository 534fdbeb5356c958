"""Facts into rows: decode once, group by row, load, fold, and know which rows have changed."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from projections.engine.customer_index import EVENTS_NAMING_A_CUSTOMER
from projections.engine.read_model import AnyModel, DecodedEvent, Key, StoredRow
from shared.billing.contracts import decode
from shared.framework.core.event import Event
from shared.framework.eventstore.records import EventRecord

RowLoader = Callable[[AnyModel, Collection[Key]], Awaitable[Mapping[Key, StoredRow[Any]]]]


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row as it shall be, and the revision that it must still have when it is written (0: not there)."""

    stored: StoredRow[Any]
    expected: int


def facts_of(records: Iterable[EventRecord], models: Iterable[AnyModel]) -> list[DecodedEvent]:
    """The events that these models fold or that name a customer, each decoded once; no other is decoded.

    Raises EventIsUnreadable.
    """
    wanted = EVENTS_NAMING_A_CUSTOMER.union(event.wire_name for model in models for event in model.events)
    return [
        fact_from(record, event)
        for record in records
        if record.wire_name in wanted and (event := decode(record.wire_name, record.state)) is not None
    ]


def fact_from(record: EventRecord, event: Event) -> DecodedEvent:
    """The fact that a record and its decoded event are."""
    occurred_at = record.metadata.occurred_at
    return DecodedEvent(
        record.tenant_id, record.context, record.stream_id, record.position, occurred_at, event
    )


async def row_changes(model: AnyModel, facts: Sequence[DecodedEvent], load: RowLoader) -> list[RowChange]:
    """The rows of one model that these facts change, sorted by key; nothing is written."""
    touched = [
        (fact, (fact.tenant_id, row_id), part)
        for fact in facts
        if isinstance(fact.event, model.events)
        for row_id, part in model.targets(fact.event)
    ]
    if not touched:
        return []
    before = await load(model, sorted({key for _, key, _ in touched}))
    rows: dict[Key, StoredRow[Any] | None] = dict(before)
    for fact, key, part in touched:
        rows[key] = apply_event(model, rows.get(key), key, part, fact)
    return [
        RowChange(row, before[key].revision if key in before else 0)
        for key in sorted({key for _, key, _ in touched})
        if (row := rows[key]) is not None
    ]


def apply_event(
    model: AnyModel, stored: StoredRow[Any] | None, key: Key, part: Any, fact: DecodedEvent
) -> StoredRow[Any] | None:
    """The row with one more fact in it; as it was (perhaps not there) when the fact shows nothing."""
    row = model.fold(None if stored is None else stored.row, part, fact)
    if row is None:
        return stored
    if stored is None:
        return StoredRow(*key, row=row, revision=1, updated_at=fact.occurred_at)
    return replace(
        stored,
        row=row,
        revision=stored.revision + 1,
        updated_at=max(stored.updated_at, fact.occurred_at),
    )


def fold_row(model: AnyModel, row_id: str, facts: Iterable[DecodedEvent]) -> StoredRow[Any] | None:
    """One row from the facts that touch it; None when none does."""
    stored: StoredRow[Any] | None = None
    for fact in facts:
        if isinstance(fact.event, model.events):
            for touched, part in model.targets(fact.event):
                if touched == row_id:
                    stored = apply_event(model, stored, (fact.tenant_id, row_id), part, fact)
    return stored
