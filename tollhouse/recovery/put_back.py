"""Puts lost events back into their context's history: the same bytes, ids, versions and positions.

Only whole commits are put back, in order, and only where the stream has not gone on: so the history is again
what it was, up to the first commit of a stream that is not known whole.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shared.framework.eventstore.idempotency import PUT_BACK
from shared.framework.eventstore.records import EventRecord
from shared.framework.eventstore.rows import metadata_json
from tollhouse.recovery.copies import LostEvents

INCOMPLETE = "a part of its commit is not known"
STREAM_WENT_ON = "its stream has gone on without it"
PREDECESSOR_LOST = "an earlier event of its stream is lost"
POSITION_TAKEN = "its position was given to another event"

Refused = tuple[EventRecord, str]
Commit = Sequence[EventRecord]
"""The events that were written in one transaction, by position."""

_VERSIONS = """
    SELECT originator_id, max(originator_version) FROM events WHERE originator_id = ANY($1) GROUP BY 1"""
_TAKEN = "SELECT notification_id FROM events WHERE notification_id = ANY($1)"
# By the owner, who may insert. To change or remove an event is refused for every role.
_INSERT = """
    INSERT INTO events (originator_id, originator_version, topic, state, notification_id, tenant_id, event_id,
                        slot, metadata, recorded_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"""
# The response of a command is in no copy: repeated under its key it is refused, and not executed twice. The
# body names the streams that it wrote.
_KEY = """
    INSERT INTO idempotency (tenant_id, key, fingerprint, status, headers, body)
    VALUES ($1, $2, $3, 409, '{}', $4) ON CONFLICT DO NOTHING"""
_RESUME = "INSERT INTO put_back_streams VALUES ($1, $2) ON CONFLICT DO NOTHING"


async def put_back(connection: Any, lost: LostEvents) -> tuple[Sequence[EventRecord], Sequence[Refused]]:
    """Insert what can be put back, and take it out of `lost`; returns it, and the others with the reason."""
    records = [lost.records[position] for position in sorted(lost.records)]
    streams, positions = list({one.stream_id for one in records}), [one.position for one in records]
    versions = {row[0]: row[1] for row in await connection.fetch(_VERSIONS, streams)}
    taken = {row[0] for row in await connection.fetch(_TAKEN, positions)}
    accepted, refused = whole_commits(records, versions, taken)
    async with connection.transaction():
        await connection.executemany(_INSERT, [_row(record) for record in accepted])
        await connection.executemany(_RESUME, sorted({(one.tenant_id, one.stream_id) for one in accepted}))
        await connection.executemany(_KEY, _keys_of(accepted))
    for record in accepted:
        del lost.records[record.position]
        lost.archived.discard(record.position)
    return accepted, refused


def _keys_of(records: Iterable[EventRecord]) -> list[tuple[str, str, bytes, bytes]]:
    """A row for each cause of the records: of a command it is its key; no other cause is given as a key."""
    streams: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for one in records:
        if one.metadata.causation_id is not None:
            streams[one.tenant_id, one.metadata.causation_id][one.stream_id] = None
    return [(*key, PUT_BACK, ", ".join(found).encode()) for key, found in streams.items()]


def whole_commits(
    records: Iterable[EventRecord], versions: Mapping[str, int], taken: Iterable[int]
) -> tuple[Sequence[EventRecord], Sequence[Refused]]:
    """The records that can be put back, in order of positions, and the others, each with its reason.

    `versions`: what each stream has; `taken`: positions that other events have.
    """
    reached, occupied = dict(versions), set(taken)
    accepted: list[EventRecord] = []
    refused: list[Refused] = []
    for commit in commits_of(records):
        reason = _objection(commit, reached, occupied)
        if reason is None:
            accepted += commit
            reached.update({one.stream_id: one.version for one in commit})
        else:
            refused += [(one, reason) for one in commit]
    return sorted(accepted, key=lambda one: one.position), refused


def commits_of(records: Iterable[EventRecord]) -> Sequence[Commit]:
    """The records by commit. A commit that follows another in a stream has all its positions after it."""
    groups: defaultdict[str, list[EventRecord]] = defaultdict(list)
    for record in sorted(records, key=lambda one: one.position):
        groups[record.metadata.commit_id or str(record.event_id)].append(record)
    return list(groups.values())


def _objection(commit: Commit, reached: Mapping[str, int], taken: set[int]) -> str | None:
    if len(commit) != commit[0].metadata.commit_size:
        return INCOMPLETE
    if any(one.position in taken for one in commit):
        return POSITION_TAKEN
    expected: dict[str, int] = {}
    for one in commit:
        version = expected.get(one.stream_id, reached.get(one.stream_id, 0)) + 1
        if one.version != version:
            return STREAM_WENT_ON if one.version < version else PREDECESSOR_LOST
        expected[one.stream_id] = version
    return None


def _row(record: EventRecord) -> tuple[object, ...]:
    return (
        record.stream_id,
        record.version,
        record.wire_name,
        record.state,
        record.position,
        record.tenant_id,
        record.event_id,
        record.slot,
        metadata_json(record.metadata),
        record.recorded_at,
    )
