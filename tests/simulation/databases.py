"""The databases of the world as tollhouse/recovery sees them: its statements, answered from memory stores.

So a reconciliation is the product's own; its SQL is tested on real servers (tests/recovery).
"""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from uuid import UUID

import msgspec

from projections.engine.memory import MemoryEventArchive, MemoryRowStore
from projections.engine.projector import decoded_events, latest_event_times, row_changes
from projections.register import READ_MODELS
from services.metering.rollups import postgres as rollups
from services.metering.rollups.hours import day_of
from shared.billing.contracts import CONTRACTS
from shared.framework.core.event import Metadata
from shared.framework.core.ids import partition_of
from shared.framework.eventstore.idempotency import Claim
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.records import CommitReceipt, EventRecord, SideWrite, StoredResponse
from shared.framework.eventstore.rows import metadata_json
from shared.framework.messaging.envelope import record_from_message
from shared.framework.process import resumption
from tollhouse.recovery import (
    copies,
    followed_clocks,
    inboxes,
    orphans,
    positions,
    put_back,
    read_side,
    reconcile,
)

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.world import World

Rows = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Database:
    """The database of one process, by the statements of recovery and resumption."""

    world: "World"
    store: MemoryEventStore

    async def fetch(self, sql: str, *arguments: Any) -> Rows:
        return _ANSWERS[sql](self, *arguments)  # type: ignore[no-any-return]

    async def fetchval(self, sql: str, *arguments: Any) -> Any:
        return _ANSWERS[sql](self, *arguments)

    async def execute(self, sql: str, *arguments: Any) -> str:
        if sql.startswith("DROP TABLE live."):
            del self.store.tables[sql.removeprefix("DROP TABLE ")]
            return "DROP TABLE"
        return f"DONE {_ANSWERS[sql](self, *arguments) or 0}"

    async def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        for row in rows:
            _ANSWERS[sql](self, *row)

    async def cursor(self, sql: str, *arguments: Any, prefetch: int) -> AsyncIterator[Any]:
        for row in _ANSWERS[sql](self, *arguments):
            yield row

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        yield

    # ---- as a pool of connections

    async def acquire(self, timeout: float) -> "Database":
        return self

    async def release(self, connection: "Database") -> None:
        return None


def _known(database: Database, ids: Iterable[UUID]) -> Rows:
    own = {record.event_id for record in database.store._records}
    return [(one,) for one in ids if one in own]


def _heads(database: Database, *_: int) -> Rows:
    count, heads = database.world.plan.partitions, {}
    for record in database.store._records:
        heads[partition_of(record.slot, count)] = record.position
    return [(number, heads.get(number, 0)) for number in range(count)]


def _inbox(database: Database) -> Rows:
    return [
        {"consumer": consumer, "topic": topic, "partition": number, "position": at.position}
        for (consumer, topic, number), at in sorted(database.store._inbox_positions.items())
    ]


def _clear_offsets(database: Database) -> None:
    inbox = database.store._inbox_positions
    inbox.update({key: replace(at, offset=None, cluster_id=None) for key, at in inbox.items()})


def _move(database: Database, consumer: str, topic: str, partition: int, position: int) -> None:
    inbox, key = database.store._inbox_positions, (consumer, topic, partition)
    if key in inbox:
        inbox[key] = replace(inbox[key], position=position)


def _lower_cursor(database: Database, position: int) -> None:
    cursors, context = database.world.cursors, database.store.context
    cursors[context] = min(cursors.get(context, 0), position)


def _set_sequence(database: Database, position: int) -> None:
    database.store._drawn = position


def _set_target(database: Database, tenant: str, target: datetime | None) -> None:
    database.store._clocks[tenant] = replace(database.store._clocks[tenant], target=target)


def _recovered(database: Database, last: int, position: int, report: str) -> None:
    database.store.table("recoveries")[position] = (last, report)


def _archived(database: Database, context: str) -> list[tuple[int, UUID]]:
    history = database.store.table("history")
    return sorted((position, one.event_id) for (owner, position), one in history.items() if owner == context)


def _dead_letters(database: Database) -> Rows:
    letters = sorted(database.store._dead_letters.values(), key=lambda letter: letter.record.position)
    return [_row(one.record) | {f.name: getattr(one, f.name) for f in fields(one)} for one in letters]


def _row(record: EventRecord) -> dict[str, Any]:
    row = {field.name: getattr(record, field.name) for field in fields(record)}
    return row | {"metadata": metadata_json(record.metadata)}


def _remove_dead_letters(database: Database, context: str, ids: Sequence[UUID]) -> int:
    letters = database.store._dead_letters
    gone = [k for k, one in letters.items() if one.record.context == context and one.record.event_id in ids]
    for key in gone:
        del letters[key]
    return len(gone)


def _versions(database: Database, streams: Sequence[str]) -> Rows:
    own = database.store._streams
    return [(one, own[one][-1].version) for one in streams if one in own]


def _taken(database: Database, numbers: Sequence[int]) -> Rows:
    own = set(database.store._positions)
    return [(one,) for one in numbers if one in own]


def _insert(database: Database, *row: Any) -> None:
    names = "stream_id version wire_name state position tenant_id event_id slot metadata recorded_at".split()
    values = dict(zip(names, row, strict=True))
    values["metadata"] = msgspec.json.decode(values["metadata"], type=Metadata)
    record = EventRecord(context=database.store.context, **values)
    records_set(database.store, [*database.store._records, record])


def _keep_key(database: Database, tenant: str, key: str, fingerprint: bytes, body: bytes) -> None:
    claim = Claim(
        fingerprint, None, None, database.world.now(), StoredResponse(409, {}, body), has_owner=False
    )
    database.store._claims._claims.setdefault((tenant, key), claim)


def _wait(database: Database, tenant: str, stream: str) -> None:
    database.store.table("put_back_streams")[tenant, stream] = True


def _caused(database: Database, since: datetime, limit: int) -> Rows:
    found = [
        {
            "tenant_id": one.tenant_id,
            "originator_id": one.stream_id,
            "originator_version": one.version,
            "topic": one.wire_name,
            "notification_id": one.position,
            "recorded_at": one.recorded_at,
            "cause": one.metadata.causation_id,
        }
        for one in reversed(database.store._records)
        if one.recorded_at >= since and _is_event_id(one.metadata.causation_id)
    ]
    return found[:limit]


def _is_event_id(cause: str | None) -> bool:
    return cause is not None and len(cause) == 36 and cause[14] == "5"


def _empty_rollups(database: Database) -> None:
    table = database.store.table
    days = {(series, day_of(hour)) for series, hour in table("points")}
    table("changed_days").update({key: table("changed_days").get(key, 0) + 1 for key in sorted(days)})
    table("points").clear()
    table("unreadable").clear()
    meters = table("meters")
    meters.update({key: replace(one, joined_from=None) for key, one in meters.items()})


def _forget_backfills(database: Database, prefix: str) -> None:
    inbox = database.store._inbox_positions
    for key in [key for key in inbox if key[0].startswith(prefix)]:
        del inbox[key]


def _empty_read_side(database: Database) -> None:
    for name in ("history", "history arrivals", "history_mentions", "freshness"):
        database.store.table(name).clear()
    database.store._inbox_positions.clear()


def _remove_archived(database: Database, context: str, position: int) -> None:
    del database.store.table("history")[context, position]
    del database.store.table("history arrivals")[context, position]


def _remove_index(database: Database, tenant: str, context: str, stream: str) -> None:
    index = database.store.table("history_mentions")
    for one in [
        one for one in index if (one.tenant_id, one.context, one.stream_id) == (tenant, context, stream)
    ]:
        del index[one]


def _freshness(database: Database, _: int) -> None:
    records = database.store.table("history").values()
    for time in latest_event_times(records, database.world.plan.partitions):
        database.store.table("freshness")[time.tenant_id, time.context, time.partition] = time.occurred_at


_ANSWERS: dict[str, Callable[..., Any]] = {
    positions._INBOX: _inbox,
    positions._CURSOR: lambda database: database.world.cursors.get(database.store.context, 0),
    positions._ARCHIVED: lambda database, context: max(_archived(database, context), default=(0,))[0],
    positions._LAST: lambda database: max(database.store._positions, default=0),
    positions._DRAWN: lambda database: database.store._drawn,
    positions._HEADS: _heads,
    "SELECT to_regclass('history') IS NOT NULL": lambda database: database.store.context == "projections",
    copies._OWN: lambda database: [(one.position, one.event_id) for one in database.store._records],
    copies._ARCHIVED: _archived,
    copies._EXISTING: _known,
    copies._DEAD_LETTERS: _dead_letters,
    followed_clocks._STEPS: lambda database, names: [
        (one.tenant_id, one.wire_name, one.state) for one in database.store._records if one.wire_name in names
    ],
    followed_clocks._FOLLOWED: lambda database: [
        (tenant, clock.now, clock.target) for tenant, clock in sorted(database.store._clocks.items())
    ],
    followed_clocks._SET_TARGET: _set_target,
    inboxes._CLEAR_OFFSETS: _clear_offsets,
    inboxes._MOVE: _move,
    inboxes._LOWER_CURSOR: _lower_cursor,
    "SELECT max(continues_at) FROM recoveries": lambda database: max(
        database.store.table("recoveries"), default=None
    ),
    "SELECT setval('events_notification_id_seq', $1)": _set_sequence,
    reconcile._ENDS_AT: lambda database: max(
        (one.recorded_at for one in database.store._records), default=None
    ),
    reconcile._NOTE: _recovered,
    "DELETE FROM parked WHERE context = $1 AND event_id = ANY($2)": _remove_dead_letters,
    put_back._VERSIONS: _versions,
    put_back._TAKEN: _taken,
    put_back._INSERT: _insert,
    put_back._KEY: _keep_key,
    put_back._RESUME: _wait,
    orphans._CAUSED: _caused,
    rollups._EMPTY_ROLLUPS: _empty_rollups,
    "DELETE FROM inbox WHERE starts_with(consumer, $1)": _forget_backfills,
    read_side._RENAME: lambda database: None,
    read_side._TABLES: lambda database: [
        (name,) for name in database.store.tables if name.startswith("live.")
    ],
    read_side._REMOVE: _remove_archived,
    read_side._REMOVE_INDEX: _remove_index,
    "TRUNCATE freshness": lambda database: database.store.table("freshness").clear(),
    read_side._FRESHNESS: _freshness,
    "TRUNCATE history, history_mentions, freshness; DELETE FROM inbox": _empty_read_side,
    resumption._WAITING: lambda database, limit: sorted(database.store.table("put_back_streams"))[:limit],
    resumption._LAST: lambda database, _, stream: [_row(database.store._streams[stream][-1])],
}


def records_set(store: MemoryEventStore, records: Iterable[EventRecord]) -> None:
    """Let a store have these records and no others."""
    store._records = sorted(records, key=lambda record: record.position)
    store._positions = [record.position for record in store._records]
    store._streams = {}
    for record in store._records:
        store._streams.setdefault(record.stream_id, []).append(record)
    store._feeds.clear()


async def _page_of(archive: Database, context: str, after: int, limit: int) -> list[EventRecord]:
    history = archive.store.table("history")
    found = sorted(key for key in history if key[0] == context and key[1] > after)
    return [history[key] for key in found[:limit]]


def done_write(tenant_id: str, stream_id: str) -> SideWrite:
    """Note that a stream is resumed."""

    async def write(store: MemoryEventStore, _: CommitReceipt) -> None:
        store.table("put_back_streams").pop((tenant_id, stream_id), None)

    return write


@contextmanager
def answering(world: "World") -> Iterator[dict[str, Database]]:
    """The databases of all processes, by name, and the broker, for the length of a reconciliation."""

    async def messages_on(_: str) -> list[EventRecord]:
        deliveries = [one for log in world.broker._logs.values() for one in log]
        return [record_from_message(one, CONTRACTS.contexts[one.topic]) for one in deliveries]

    async def empty_topics(_: str) -> None:
        world.broker.lose_all_messages()

    def archive(database: Database) -> MemoryEventArchive:
        return MemoryEventArchive(database.store)

    with ExitStack() as stack:
        for module, name, answer in (
            (copies, "page_of", _page_of),
            (read_side, "PostgresEventArchive", archive),
            (reconcile, "messages_on", messages_on),
            (reconcile, "empty_topics", empty_topics),
        ):
            stack.enter_context(patch.object(module, name, answer))
        yield {name: Database(world, store) for name, store in world.stores.items()}


async def resume_streams(process: "Process") -> None:
    """What a process does before it serves: see shared/framework/process/resumption.py."""
    inner = process.store.inner
    if not inner.table("put_back_streams"):
        return
    pool: Any = Database(process.world, inner)
    store: Any = process.store
    await resumption.resume_streams(store, pool, process.service.resume)


async def fill_read_models(store: MemoryEventStore) -> None:
    """Fold the rows of tables that are gone from the archive again, as the read side does at its start."""
    rows, records = MemoryRowStore(store), [one for _, one in sorted(store.table("history").items())]
    missing = [model for model in READ_MODELS if f"live.{model.table}" not in store.tables]
    events = await decoded_events(records, missing)
    for model in missing:
        await rows.save_write(model, await row_changes(model, events, rows.load))(store, CommitReceipt())
