"""Rows of the event store: events to insert, and side state as the JSON of `commit_changes` (0005)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import UNSET

from shared.framework.core.event import Metadata
from shared.framework.core.ids import slot_of
from shared.framework.eventstore.contracts import Contracts
from shared.framework.eventstore.records import (
    Append,
    ChangeSet,
    ClockChange,
    DeadLetter,
    EventRecord,
    InboxAdvance,
    InboxPosition,
    Timer,
)
from shared.framework.eventstore.unit_of_work import event_id_of

_encoder = msgspec.json.Encoder(decimal_format="string")
_metadata = msgspec.json.Decoder(Metadata)


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event to insert: an EventRecord without `position` and `recorded_at`, which the store assigns."""

    tenant_id: str
    stream_id: str
    version: int
    wire_name: str
    state: bytes
    slot: int
    event_id: UUID
    metadata: Metadata


def rows_of(appends: Sequence[Append], contracts: Contracts) -> list[EventRow]:
    """The rows of all appends in order; the store must still check that `expected` is true.

    Raises EventIsNotRegistered.
    """
    size = sum(len(append.events) for append in appends)
    first = next((event_id_of(one.stream_id, one.expected + 1) for one in appends if one.events), None)
    commit_id = str(first) if size > 1 else None
    return [
        row
        for append in appends
        for row in _rows_of(append, _in_commit(append.metadata, commit_id, size), contracts)
    ]


def _rows_of(append: Append, metadata: Metadata, contracts: Contracts) -> Iterator[EventRow]:
    slot = slot_of(append.slot_key or append.stream_id)
    for version, event in enumerate(append.events, start=append.expected + 1):
        yield EventRow(
            tenant_id=append.tenant_id,
            stream_id=append.stream_id,
            version=version,
            wire_name=event.wire_name,
            state=contracts.encode(event),
            slot=slot,
            event_id=event_id_of(append.stream_id, version),
            metadata=metadata,
        )


def _in_commit(metadata: Metadata, commit_id: str | None, size: int) -> Metadata:
    """Metadata that names this commit, and no longer that of its cause."""
    if commit_id is None and metadata.commit_id is None:
        return metadata
    return msgspec.structs.replace(metadata, commit_id=commit_id, commit_size=size if commit_id else 1)


def commit_payload(changes: ChangeSet) -> str | None:
    """The JSON of a change set without its events, response and side writes; None if that is empty."""
    lists: Mapping[str, Any] = {
        "inbox": [_inbox_advance(advance) for advance in changes.inbox],
        "timers_done": list(dict.fromkeys(changes.timers_done)),
        "timers": [_timer(timer) for timer in changes.timers],
        "test_clocks": {tenant: _clock(clock) for tenant, clock in changes.clocks.items()},
        "clocks_seen": {t: now for t, now in changes.clocks_seen.items() if t not in changes.clocks},
        "unparked": [dict(zip(_DEAD_LETTER_KEY, key, strict=True)) for key in changes.handled_dead_letters],
        "parked": [_dead_letter(letter) for letter in changes.dead_letters],
    }
    filled = {name: rows for name, rows in lists.items() if rows}
    return _encoder.encode(filled).decode() if filled else None


def metadata_json(metadata: Metadata) -> str:
    """Metadata as the text of a jsonb parameter."""
    return _encoder.encode(metadata).decode()


def metadata_of(row: asyncpg.Record) -> Metadata:
    """The metadata in a row with that jsonb column."""
    return _metadata.decode(row["metadata"])


def inbox_position_of(row: asyncpg.Record) -> InboxPosition:
    """The inbox position in a row of `inbox`."""
    return InboxPosition(
        row["consumer"],
        row["topic"],
        row["partition"],
        row["position"],
        offset=row["broker_offset"],
        cluster_id=row["incarnation"],
    )


def timer_of(row: asyncpg.Record) -> Timer:
    """The timer in a row of `timers`."""
    return Timer(
        row["timer_id"],
        row["tenant_id"],
        row["due_at"],
        row["purpose"],
        msgspec.json.decode(row["payload"]),
        metadata_of(row),
        attempts=row["attempts"],
    )


def dead_letter_of(row: asyncpg.Record) -> DeadLetter:
    """The dead letter in a row of `parked`."""
    return DeadLetter(row["consumer"], event_record_of(row), row["topic"], row["partition"], row["cause"])


def event_record_of(row: asyncpg.Record) -> EventRecord:
    """The record in a row that has a column for each of its fields (`previous` may be missing)."""
    return EventRecord(
        context=row["context"],
        tenant_id=row["tenant_id"],
        stream_id=row["stream_id"],
        version=row["version"],
        wire_name=row["wire_name"],
        state=row["state"],
        position=row["position"],
        slot=row["slot"],
        event_id=row["event_id"],
        metadata=metadata_of(row),
        recorded_at=row["recorded_at"],
        previous=row.get("previous", 0),
    )


_DEAD_LETTER_KEY = ("consumer", "topic", "position")


def _inbox_advance(advance: InboxAdvance) -> dict[str, Any]:
    target = advance.target
    return {
        "consumer": target.consumer,
        "topic": target.topic,
        "partition": target.partition,
        "position": target.position,
        "broker_offset": target.offset,
        "incarnation": target.cluster_id,
        "expected": advance.expected,
    }


def _clock(change: ClockChange) -> dict[str, Any]:
    return {"now": change.now} | ({} if change.target is UNSET else {"target": change.target})


def _timer(timer: Timer) -> dict[str, Any]:
    return {**_fields(timer), "test_clock": timer.test_clock}


def _dead_letter(letter: DeadLetter) -> dict[str, Any]:
    row = _fields(letter)
    return {**_fields(row.pop("record")), **row}


def _fields(row: Timer | DeadLetter | EventRecord) -> dict[str, Any]:
    return {field.name: getattr(row, field.name) for field in fields(row)}
