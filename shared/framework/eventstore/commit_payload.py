"""What goes with the events of a commit, as the JSON object that `commit_changes` takes (0005_commit.sql)."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import asyncpg
import msgspec

from shared.framework.core.event import Metadata
from shared.framework.eventstore.port import Changes, InboxMark, InboxMove, Parked, Record, Timer

_encoder = msgspec.json.Encoder(decimal_format="string")
_metadata = msgspec.json.Decoder(Metadata)


def beside_of(changes: Changes) -> str | None:
    """The JSON of all that is not events; None when there is nothing."""
    lists: Mapping[str, Any] = {
        "inbox": [_move(move) for move in changes.inbox],
        "timers_done": list(dict.fromkeys(changes.timers_done)),
        "timers": [_timer(timer) for timer in changes.timers],
        "clocks": changes.clocks,
        "unparked": [dict(zip(_UNPARKED, row, strict=True)) for row in changes.unparked],
        "parked": [_parked(parked) for parked in changes.parked],
    }
    filled = {name: rows for name, rows in lists.items() if rows}
    return _encoder.encode(filled).decode() if filled else None


def metadata_json(metadata: Metadata) -> str:
    """Metadata as a jsonb parameter."""
    return _encoder.encode(metadata).decode()


def metadata_of(row: asyncpg.Record) -> Metadata:
    """Metadata from a row's jsonb column."""
    return _metadata.decode(row["metadata"])


def mark_of(row: asyncpg.Record) -> InboxMark:
    """A row of `inbox`."""
    return InboxMark(
        row["consumer"],
        row["topic"],
        row["partition"],
        row["position"],
        offset=row["broker_offset"],
        incarnation=row["incarnation"],
    )


def timer_of(row: asyncpg.Record) -> Timer:
    """A row of `timers`."""
    return Timer(
        row["timer_id"],
        row["tenant_id"],
        row["due_at"],
        row["purpose"],
        msgspec.json.decode(row["payload"]),
        metadata_of(row),
        attempts=row["attempts"],
    )


def parked_of(row: asyncpg.Record) -> Parked:
    """A row of `parked`."""
    return Parked(row["consumer"], record_of(row), row["topic"], row["partition"], row["cause"])


def record_of(row: asyncpg.Record) -> Record:
    """The record in a row that has a column for each of its fields (`previous` may be missing)."""
    return Record(
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


_UNPARKED = ("consumer", "topic", "position")


def _move(move: InboxMove) -> dict[str, Any]:
    mark = move.mark
    return {
        "consumer": mark.consumer,
        "topic": mark.topic,
        "partition": mark.partition,
        "position": mark.position,
        "broker_offset": mark.offset,
        "incarnation": mark.incarnation,
        "expected": move.expected,
    }


def _timer(timer: Timer) -> dict[str, Any]:
    return {**_fields(timer), "test_clock": timer.test_clock}


def _parked(parked: Parked) -> dict[str, Any]:
    letter = _fields(parked)
    return {**_fields(letter.pop("record")), **letter}


def _fields(row: Timer | Parked | Record) -> dict[str, Any]:
    return {field.name: getattr(row, field.name) for field in fields(row)}
