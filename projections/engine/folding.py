"""Facts into rows: decode once, group by row, load, fold, and know which rows have changed."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from projections.engine.customer_index import MENTIONING
from projections.engine.read_model import AnyModel, Fact, Key, Stored
from projections.register import HEARD
from shared.framework.core.event import Event
from shared.framework.eventstore.codec import decode
from shared.framework.eventstore.port import Record

_WANTED = HEARD | MENTIONING

Load = Callable[[AnyModel, Collection[Key]], Awaitable[Mapping[Key, Stored[Any]]]]


@dataclass(frozen=True, slots=True)
class Change:
    """A row as it shall be, and the revision that it must still have when it is written (0: not there)."""

    stored: Stored[Any]
    expected: int


def facts_of(records: Iterable[Record]) -> list[Fact]:
    """What the read side wants to know of these records, each decoded once. Raises EventIsUnreadable."""
    return [fact for record in records if (fact := fact_of(record)) is not None]


def fact_of(record: Record) -> Fact | None:
    """The decoded fact, or None when nothing here cares for it. Raises EventIsUnreadable."""
    event = decode(record.wire_name, record.state) if record.wire_name in _WANTED else None
    return None if event is None else fact_from(record, event)


def fact_from(record: Record, event: Event) -> Fact:
    """The fact that a record and its decoded event are."""
    occurred_at = record.metadata.occurred_at
    return Fact(record.tenant_id, record.context, record.stream_id, record.position, occurred_at, event)


async def changes_of(model: AnyModel, facts: Sequence[Fact], load: Load) -> list[Change]:
    """The rows of one model that these facts change, sorted by key; nothing is written."""
    touched = [
        (fact, (fact.tenant_id, row_id), part)
        for fact in facts
        if isinstance(fact.event, model.hears)
        for row_id, part in model.parts(fact.event)
    ]
    if not touched:
        return []
    before = await load(model, sorted({key for _, key, _ in touched}))
    rows: dict[Key, Stored[Any] | None] = dict(before)
    for fact, key, part in touched:
        rows[key] = with_fact(model, rows.get(key), key, part, fact)
    return [
        Change(row, before[key].revision if key in before else 0)
        for key in sorted({key for _, key, _ in touched})
        if (row := rows[key]) is not None
    ]


def with_fact(
    model: AnyModel, stored: Stored[Any] | None, key: Key, part: Any, fact: Fact
) -> Stored[Any] | None:
    """The row with one more fact in it; as it was (perhaps not there) when the fact shows nothing."""
    row = model.fold(None if stored is None else stored.row, part, fact)
    if row is None:
        return stored
    if stored is None:
        return Stored(*key, row=row, revision=1, updated_at=fact.occurred_at)
    return replace(
        stored,
        row=row,
        revision=stored.revision + 1,
        updated_at=max(stored.updated_at, fact.occurred_at),
    )


def folded(model: AnyModel, row_id: str, facts: Iterable[Fact]) -> Stored[Any] | None:
    """One row from the facts that touch it; None when none does."""
    stored: Stored[Any] | None = None
    for fact in facts:
        if isinstance(fact.event, model.hears):
            for touched, part in model.parts(fact.event):
                if touched == row_id:
                    stored = with_fact(model, stored, (fact.tenant_id, row_id), part, fact)
    return stored
