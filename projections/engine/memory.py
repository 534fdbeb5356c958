"""The read side in memory: rows, archive and freshness in the side tables of a MemoryEventStore."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from projections.engine.event_archive import ArchiveCursor, ArchivePage, ArchiveQuery, CustomerStream
from projections.engine.freshness import Arrivals, LatestEventTime
from projections.engine.read_model import (
    AnyModel,
    Key,
    RowChange,
    Source,
    StoredRow,
    StreamSource,
    sort_key,
)
from projections.engine.row_store import RowQuery
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.ports import InboxConflict
from shared.framework.eventstore.records import CommitReceipt, EventRecord, InboxPosition, SideWrite


class MemoryRowStore:
    """See `RowStore`."""

    def __init__(self, store: MemoryEventStore, schema: str = "live") -> None:
        """One dictionary for each model, named like its table in PostgreSQL."""
        self._store = store
        self._schema = schema

    async def load(self, model: AnyModel, keys: Collection[Key]) -> Mapping[Key, StoredRow[Any]]:
        table = self.table(model)
        return {key: table[key] for key in keys if key in table}

    def save_write(self, model: AnyModel, changes: Sequence[RowChange]) -> SideWrite:
        async def write(_: Any, __: CommitReceipt) -> None:
            table = self.table(model)
            for change in changes:
                known = table.get(change.stored.key)
                if (known.revision if known else 0) != change.expected:
                    raise InboxConflict(f"rows of {model.name} have changed since they were read")
                table[change.stored.key] = change.stored
                self._arrivals(model).setdefault(change.stored.key, arrivals_in(self._store))

        return write

    async def page(self, model: AnyModel, query: RowQuery) -> Sequence[StoredRow[Any]]:
        arrivals = self._arrivals(model)
        found = (
            row
            for key, row in self.table(model).items()
            if _matches(model, row, query)
            and (query.arrived is None or query.arrived.after < arrivals[key] <= query.arrived.until)
        )
        return sorted(found, key=partial(sort_key, model), reverse=query.backwards)[: query.limit]

    async def pages_by(
        self, model: AnyModel, column: str, values: Sequence[str], query: RowQuery
    ) -> Mapping[str, Sequence[StoredRow[Any]]]:
        return {
            value: await self.page(model, replace(query, filters=(*query.filters, (column, value))))
            for value in values
        }

    async def scan(self, model: AnyModel, after: Key, limit: int) -> Sequence[StoredRow[Any]]:
        table = self.table(model)
        return [table[key] for key in sorted(table) if key > after][:limit]

    def table(self, model: AnyModel) -> dict[Key, StoredRow[Any]]:
        """The rows of a model."""
        return self._store.table(f"{self._schema}.{model.table}")

    def _arrivals(self, model: AnyModel) -> dict[Key, int]:
        """The commit with which each row arrived."""
        return self._store.table(f"{self._schema}.{model.table} arrivals")


class MemoryEventArchive:
    """See `EventArchive`."""

    def __init__(self, store: MemoryEventStore) -> None:
        """Records by context and position, and the customer index, in side tables of `store`."""
        self._store = store

    def add_write(self, records: Sequence[EventRecord], index: Sequence[CustomerStream]) -> SideWrite:
        async def write(_: Any, __: CommitReceipt) -> None:
            history = self._store.table("history")
            self._store.table("arrivals")["last"] = arrivals_in(self._store) + 1
            for record in records:
                if (record.context, record.position) in history:
                    raise InboxConflict(f"{record.context} {record.position} is in the archive already")
                history[record.context, record.position] = record
                self._store.table("history arrivals")[record.context, record.position] = arrivals_in(
                    self._store
                )
            self._store.table("history_mentions").update(dict.fromkeys(index, True))

        return write

    async def records(
        self, tenant_id: str, source: Source, wire_names: Sequence[str]
    ) -> Sequence[EventRecord]:
        found = (record for record in self._of(tenant_id, source) if record.wire_name in wire_names)
        return sorted(found, key=lambda record: (record.context, record.position))

    async def page(self, tenant_id: str, query: ArchiveQuery) -> ArchivePage:
        arrivals = self._store.table("history arrivals")
        found = [
            record
            for record in self._of(tenant_id, query.source)
            if (query.as_of is None or record.metadata.occurred_at <= query.as_of)
            and (query.after is None or ArchiveCursor.of(record) > query.after)
            and query.arrived.after < arrivals[record.context, record.position] <= query.arrived.until
        ]
        ordered = sorted(found, key=ArchiveCursor.of)
        return ArchivePage(ordered[: query.limit], len(ordered) > query.limit)

    def _of(self, tenant_id: str, source: Source) -> Iterable[EventRecord]:
        records = [one for one in self._store.table("history").values() if one.tenant_id == tenant_id]
        if isinstance(source, StreamSource):
            return [record for record in records if record.stream_id == source.stream_id]
        index, customer_id = self._store.table("history_mentions"), source.customer_id
        return [
            record
            for record in records
            if CustomerStream(tenant_id, customer_id, record.context, record.stream_id) in index
        ]


class MemoryFreshness:
    """See `FreshnessStore`."""

    def __init__(self, store: MemoryEventStore, consumer: str) -> None:
        """The inbox is that of `consumer` in `store`."""
        self._store = store
        self._consumer = consumer

    def note_write(self, times: Sequence[LatestEventTime]) -> SideWrite:
        async def write(_: Any, __: CommitReceipt) -> None:
            table = self._store.table("freshness")
            for time in times:
                key = (time.tenant_id, time.context, time.partition)
                table[key] = max(time.occurred_at, table.get(key, time.occurred_at))

        return write

    async def inbox(self) -> Mapping[tuple[str, int], InboxPosition]:
        return await self._store.inbox(self._consumer)

    async def arrivals(self) -> Arrivals:
        return Arrivals("memory", arrivals_in(self._store))

    async def latest(self, tenant_id: str) -> Mapping[tuple[str, int], datetime]:
        times = self._store.table("freshness").items()
        return {(context, number): at for (tenant, context, number), at in times if tenant == tenant_id}


def arrivals_in(store: MemoryEventStore) -> int:
    """The number of commits that have added events."""
    last: int = store.table("arrivals").get("last", 0)
    return last


def _matches(model: AnyModel, stored: StoredRow[Any], query: RowQuery) -> bool:
    key = sort_key(model, stored)
    if stored.tenant_id != query.tenant_id or any(column not in model.filters for column, _ in query.filters):
        return False
    return (
        all(getattr(stored.row, column) == value for column, value in query.filters)
        and (query.since is None or key.sort_at >= query.since)
        and (query.until is None or key.sort_at < query.until)
        and (query.beyond is None or (key < query.beyond if query.backwards else key > query.beyond))
    )
