"""The read side in memory: rows, history and freshness in the side tables of a MemoryEventStore."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from projections.engine.customer_index import CustomerStream
from projections.engine.event_archive import ArchiveCursor, is_of, place_of
from projections.engine.folding import RowChange
from projections.engine.freshness import LatestEventTime, PartitionFreshness, partition_freshness
from projections.engine.read_model import AnyModel, Key, Source, StoredRow
from projections.engine.row_store import RowQuery
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.ports import InboxConflict
from shared.framework.eventstore.records import CommitReceipt, EventRecord, SideWrite


class MemoryRowStore:
    """See `RowStore`."""

    def __init__(self, store: MemoryEventStore, schema: str = "live") -> None:
        """One dictionary per model, named like its table in Postgres."""
        self._store = store
        self._schema = schema

    async def load(self, model: AnyModel, keys: Collection[Key]) -> Mapping[Key, StoredRow[Any]]:
        """The rows that are there."""
        table = self.table(model)
        return {key: table[key] for key in keys if key in table}

    def save(self, model: AnyModel, changes: Sequence[RowChange]) -> SideWrite:
        """A side write of all of them; InboxConflict when one is not at its expected revision."""

        async def write(_: Any, __: CommitReceipt) -> None:
            table = self.table(model)
            for change in changes:
                known = table.get(change.stored.key)
                if (known.revision if known else 0) != change.expected:
                    raise InboxConflict(f"rows of {model.name} have changed since they were read")
                table[change.stored.key] = change.stored

        return write

    async def page(self, model: AnyModel, query: RowQuery) -> Sequence[StoredRow[Any]]:
        """The rows of the query."""
        mine = (row for row in self.table(model).values() if _fits(model, row, query))
        return sorted(mine, key=lambda row: (model.sorted_by(row.row), row.id))[: query.limit]

    async def pages_by(
        self, model: AnyModel, column: str, values: Sequence[str], query: RowQuery
    ) -> Mapping[str, Sequence[StoredRow[Any]]]:
        """For each value of a filter column the rows of the query."""
        rows = {value: self._with(query, column, value) for value in values}
        return {value: await self.page(model, narrowed) for value, narrowed in rows.items()}

    async def scan(self, model: AnyModel, after: Key, limit: int) -> Sequence[StoredRow[Any]]:
        """The rows of every tenant after a key, by key."""
        table = self.table(model)
        return [table[key] for key in sorted(table) if key > after][:limit]

    def table(self, model: AnyModel) -> dict[Key, StoredRow[Any]]:
        """The rows themselves."""
        return self._store.table(f"{self._schema}.{model.table}")

    def _with(self, query: RowQuery, column: str, value: str) -> RowQuery:
        filters = (*query.filters, (column, value))
        return RowQuery(query.tenant_id, filters, query.since, query.until, query.after, query.limit)


class MemoryEventArchive:
    """See `History`."""

    def __init__(self, store: MemoryEventStore) -> None:
        """Records by context and position."""
        self._store = store

    def add(self, records: Sequence[EventRecord], mentions: Sequence[CustomerStream]) -> SideWrite:
        """A side write; a record that is there already breaks the transaction."""

        async def write(_: Any, __: CommitReceipt) -> None:
            table = self.table()
            for record in records:
                if (record.context, record.position) in table:
                    raise InboxConflict(f"{record.context} {record.position} is history already")
                table[record.context, record.position] = record
            self._store.table("history_mentions").update(dict.fromkeys(mentions, True))

        return write

    async def of(self, tenant_id: str, source: Source, wire_names: Sequence[str]) -> Sequence[EventRecord]:
        """All records of these wire names, by context and position."""
        mine = (record for record in self._of(tenant_id, source) if record.wire_name in wire_names)
        return sorted(mine, key=lambda record: (record.context, record.position))

    async def page(
        self, tenant_id: str, source: Source, as_of: datetime | None, after: ArchiveCursor | None, limit: int
    ) -> Sequence[EventRecord]:
        """Up to a moment, in the order of `Place`."""
        mine = [
            record
            for record in self._of(tenant_id, source)
            if (as_of is None or record.metadata.occurred_at <= as_of)
            and (after is None or place_of(record) > after)
        ]
        return sorted(mine, key=place_of)[:limit]

    def table(self) -> dict[tuple[str, int], EventRecord]:
        """The records themselves."""
        return self._store.table("history")

    def _of(self, tenant_id: str, source: Source) -> Iterable[EventRecord]:
        mentions = self._store.table("history_mentions")
        mine = (record for record in self.table().values() if record.tenant_id == tenant_id)
        return (record for record in mine if is_of(source, record, mentions))


class MemoryFreshness:
    """See `FreshnessStore`."""

    def __init__(self, store: MemoryEventStore, consumer: str) -> None:
        """The inbox is the consumer's in `store`."""
        self._store = store
        self._consumer = consumer

    def note(self, moments: Sequence[LatestEventTime]) -> SideWrite:
        """A side write: a moment never goes back."""

        async def write(_: Any, __: CommitReceipt) -> None:
            table = self._store.table("freshness")
            for moment in moments:
                key = (moment.tenant_id, moment.context, moment.partition)
                table[key] = max(moment.occurred_at, table.get(key, moment.occurred_at))

        return write

    async def of(self, tenant_id: str) -> Sequence[PartitionFreshness]:
        """How far every partition has been heard, with this tenant's newest moments."""
        marks = await self._store.inbox(self._consumer)
        table = self._store.table("freshness")
        moments = {
            (context, partition): at for (t, context, partition), at in table.items() if t == tenant_id
        }
        return partition_freshness(list(marks.values()), moments)


def _fits(model: AnyModel, stored: StoredRow[Any], query: RowQuery) -> bool:
    moment = model.sorted_by(stored.row)
    if stored.tenant_id != query.tenant_id or any(column not in model.filters for column, _ in query.filters):
        return False
    return (
        all(getattr(stored.row, column) == value for column, value in query.filters)
        and (query.since is None or moment >= query.since)
        and (query.until is None or moment < query.until)
        and (query.after is None or (moment, stored.id) > query.after)
    )
