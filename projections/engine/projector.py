"""Projects event records: decodes them, folds rows, and adds the writes to the transaction of the inbox.

The same folding serves new tables, the audit and queries as of an instant.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from projections.engine.event_archive import CustomerStream, EventArchive
from projections.engine.freshness import FreshnessStore, LatestEventTime
from projections.engine.large_events import LARGE_BYTES, decode_event
from projections.engine.read_model import AnyModel, DecodedEvent, Key, RowChange, StoredRow
from projections.engine.row_store import RowStore
from projections.engine.turns import SLICE, Slices
from shared.billing.contracts import EVENTS
from shared.framework.core.event import Event
from shared.framework.core.ids import partition_of
from shared.framework.eventstore.records import EventRecord
from shared.framework.eventstore.unit_of_work import UnitOfWork

RowLoader = Callable[[AnyModel, Collection[Key]], Awaitable[Mapping[Key, StoredRow[Any]]]]
ChangeListener = Callable[[AnyModel, Sequence[RowChange]], Awaitable[None]]

_CUSTOMER = "customer_id"
_CUSTOMER_EVENTS = frozenset(name for name, event in EVENTS.items() if _CUSTOMER in event.__struct_fields__)


@dataclass(frozen=True, slots=True)
class Projector:
    """The consumer's handler: writes rows, archive and freshness in the transaction of the inbox position.

    `listener` is called with changed rows before their transaction commits, so that a cache stops serving
    its copies of them.
    """

    models: Collection[AnyModel]
    rows: RowStore
    archive: EventArchive
    freshness: FreshnessStore
    partitions: int
    listener: ChangeListener | None = None

    async def __call__(self, unit: UnitOfWork, records: Sequence[EventRecord]) -> None:
        """Add all writes that follow from the records to the unit of work. Raises EventIsUnreadable."""
        events = await decoded_events(records, self.models)
        writes = unit.changes.side_writes
        writes.append(self.archive.add_write(records, customer_streams(events)))
        writes.append(self.freshness.note_write(latest_event_times(records, self.partitions)))
        for model in self.models:
            if changes := await row_changes(model, events, self.rows.load):
                writes.append(self.rows.save_write(model, changes))
                if self.listener is not None:
                    await self.listener(model, changes)


async def decoded_events(records: Iterable[EventRecord], models: Iterable[AnyModel]) -> list[DecodedEvent]:
    """The events that these models fold or that have a customer_id; no other is decoded.

    Raises EventIsUnreadable.
    """
    wanted = _CUSTOMER_EVENTS.union(event.wire_name for model in models for event in model.events)
    slices, found = Slices(), []
    for record in records:
        if record.wire_name in wanted:
            event = decode_event(record.wire_name, record.state)
            found += [decoded_event(record, event)] if event is not None else []
            await slices.add(SLICE if len(record.state) >= LARGE_BYTES else 1)
    return found


def decoded_event(record: EventRecord, event: Event) -> DecodedEvent:
    """The event with what a fold needs of its record."""
    occurred_at = record.metadata.occurred_at
    return DecodedEvent(
        record.tenant_id, record.context, record.stream_id, record.position, occurred_at, event
    )


async def row_changes(model: AnyModel, events: Iterable[DecodedEvent], load: RowLoader) -> list[RowChange]:
    """The changes of one model's rows by these events, sorted by key. Raises ImpossibleHistory."""
    slices = Slices()
    parts = []
    for part_of_event in _parts(model, events):
        parts.append(part_of_event)
        await slices.add()
    if not parts:
        return []
    keys = sorted(dict.fromkeys(key for _, key, _ in parts))  # they mostly come sorted
    before = await load(model, keys)
    rows: dict[Key, StoredRow[Any] | None] = dict(before)
    for event, key, part in parts:
        rows[key] = _folded(model, rows.get(key), key, part, event)
        await slices.add()
    return [
        RowChange(row, before[key].revision if key in before else 0)
        for key in keys
        if (row := rows[key]) is not None
    ]


def fold_row(model: AnyModel, row_id: str, events: Iterable[DecodedEvent]) -> StoredRow[Any] | None:
    """One row, folded from those of the events that change it; None if there is no row to show."""
    stored: StoredRow[Any] | None = None
    for event, key, part in _parts(model, events):
        if key[1] == row_id:
            stored = _folded(model, stored, key, part, event)
    return stored


def _parts(model: AnyModel, events: Iterable[DecodedEvent]) -> Iterator[tuple[DecodedEvent, Key, Any]]:
    for event in events:
        if isinstance(event.event, model.events):
            for row_id, part in model.targets(event):
                yield event, (event.tenant_id, row_id), part


def _folded(
    model: AnyModel, stored: StoredRow[Any] | None, key: Key, part: Any, event: DecodedEvent
) -> StoredRow[Any] | None:
    row = model.fold(None if stored is None else stored.row, part, event)
    if row is None:
        return stored
    if stored is None:
        return StoredRow(*key, row=row, revision=1, updated_at=event.occurred_at, position=event.position)
    updated_at = max(stored.updated_at, event.occurred_at)
    position = min(stored.position, event.position)
    return replace(stored, row=row, revision=stored.revision + 1, updated_at=updated_at, position=position)


def customer_streams(events: Iterable[DecodedEvent]) -> list[CustomerStream]:
    """The customer index of these events: each customer_id with each stream once, sorted.

    An event of a kind that is not always of one customer may have None.
    """
    found = {
        CustomerStream(event.tenant_id, customer_id, event.context, event.stream_id)
        for event in events
        if event.event.wire_name in _CUSTOMER_EVENTS
        and (customer_id := getattr(event.event, _CUSTOMER)) is not None
    }
    return sorted(found)


def latest_event_times(records: Iterable[EventRecord], partitions: int) -> list[LatestEventTime]:
    """The newest `occurred_at` per tenant, context and partition, sorted."""
    newest: dict[tuple[str, str, int], datetime] = {}
    for record in records:
        key = (record.tenant_id, record.context, partition_of(record.slot, partitions))
        newest[key] = max(record.metadata.occurred_at, newest.get(key, record.metadata.occurred_at))
    return [LatestEventTime(*key, occurred_at) for key, occurred_at in sorted(newest.items())]
