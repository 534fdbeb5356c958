"""What a reconciliation decides: what comes back, what contradicts, where positions go on; which backup."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.framework.eventstore.records import EventRecord
from shared.framework.testing.store_examples import METADATA
from tollhouse.recovery.backup import remove_oldest
from tollhouse.recovery.inboxes import LEAP, continues_at
from tollhouse.recovery.manifest import (
    FORMAT,
    BackupIsUnusable,
    DatabaseBackup,
    Manifest,
    backup_at,
    checksum,
    read_manifest,
)
from tollhouse.recovery.positions import ALL, History, KnownPosition, contradictions
from tollhouse.recovery.put_back import (
    INCOMPLETE,
    POSITION_TAKEN,
    PREDECESSOR_LOST,
    STREAM_WENT_ON,
    whole_commits,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def record(position: int, stream: str, version: int, commit: str | None = None, size: int = 1) -> EventRecord:
    metadata = msgspec.structs.replace(METADATA, commit_id=commit, commit_size=size)
    return EventRecord(
        "invoicing", "t", stream, version, "x.v1", b"{}", position, 0, UUID(int=position), metadata, NOON
    )


def positions(records: Sequence[EventRecord]) -> list[int]:
    return [one.position for one in records]


def test_whole_commits_come_back_in_order() -> None:
    """Also several of one stream, and those whose positions lie between those of another."""
    records = [record(4, "b", 1), record(3, "a", 2, "x", 2), record(5, "n", 8, "x", 2), record(6, "a", 3)]
    accepted, refused = whole_commits(records, {"a": 1, "n": 7}, ())
    assert (positions(accepted), refused) == ([3, 4, 5, 6], [])


def test_half_a_commit_and_what_follows_it_in_its_streams_stay_away() -> None:
    """An invoice must not come back without its number, nor the next number without that one."""
    invoice = record(10, "inv_1", 2, "x", 2)  # its number, position 11, is in no copy
    records = [invoice, record(12, "inv_2", 2, "y", 2), record(13, "ser", 8, "y", 2), record(14, "inv_3", 1)]
    accepted, refused = whole_commits(records, {"inv_1": 1, "inv_2": 1, "ser": 6}, ())
    assert positions(accepted) == [14]
    assert [(one.position, reason) for one, reason in refused] == [
        (10, INCOMPLETE),
        (12, PREDECESSOR_LOST),
        (13, PREDECESSOR_LOST),
    ]


@pytest.mark.parametrize(
    ("versions", "taken", "reason"),
    [({"a": 2}, (), STREAM_WENT_ON), ({}, (), PREDECESSOR_LOST), ({"a": 1}, (7,), POSITION_TAKEN)],
)
def test_an_event_that_does_not_fit_stays_away(
    versions: dict[str, int], taken: tuple[int, ...], reason: str
) -> None:
    """Its version is there, the one before it is not, or its position was given to another."""
    one = record(7, "a", 2)
    assert whole_commits([one], versions, taken) == ([], [(one, reason)])


@given(st.data())
def test_what_comes_back_is_a_history(data: st.DataObject) -> None:
    """Whichever events the copies have: versions are 1..n without a gap, and commits are whole."""
    reached: dict[str, int] = {}
    original: list[EventRecord] = []
    for number in range(data.draw(st.integers(1, 12))):
        streams = data.draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=3, unique=True))
        for stream in streams:
            reached[stream] = reached.get(stream, 0) + 1
            size = len(streams)
            commit = f"c{number}" if size > 1 else None
            original.append(record(len(original) + 1, stream, reached[stream], commit, size))
    known = [one for one in original if data.draw(st.booleans())]
    accepted, refused = whole_commits(known, {}, ())
    assert sorted(positions(accepted) + [one.position for one, _ in refused]) == positions(known)
    seen: dict[str, int] = {}
    for one in accepted:
        assert one.version == seen.get(one.stream_id, 0) + 1
        seen[one.stream_id] = one.version
    for one in accepted:
        same = [other for other in accepted if other.metadata.commit_id == one.metadata.commit_id]
        assert one.metadata.commit_id is None or len(same) == one.metadata.commit_size


def test_a_position_beyond_its_head_is_a_contradiction() -> None:
    """Of a consumer in its partition, of the relay and the archive over all of them; at the head is none."""
    histories = {"ingest": History(last=9, drawn=12, heads={0: 9, 1: 4})}
    known = [
        KnownPosition("consumer a", "ingest", 0, 9, "a"),
        KnownPosition("consumer b", "ingest", 1, 5, "b"),
        KnownPosition("the relay of ingest", "ingest", ALL, 9),
        KnownPosition("the event archive", "ingest", ALL, 10),
        KnownPosition("consumer c", "elsewhere", 0, 99, "c"),
    ]
    assert list(map(str, contradictions(known, histories))) == [
        "consumer b stands at 5 of ingest/1, beyond its head 4",
        "the event archive stands at 10 of ingest, beyond its head 9",
    ]


@given(st.integers(0, 10**12))
def test_positions_go_on_above_everything_known(highest: int) -> None:
    """Repeated before anything was written, the reconciliation does not leap again."""
    first = continues_at(highest, None, highest)
    assert highest < first <= highest + LEAP
    assert first % LEAP == 0
    assert continues_at(first, first, highest) == first
    assert continues_at(first + 1, first, first + 1) == first + LEAP


def backup_of(folder: Path, taken_at: datetime) -> Manifest:
    folder.mkdir()
    (folder / "a.dump").write_bytes(b"content")
    digest = checksum(folder / "a.dump")
    database = DatabaseBackup("a", "a.dump", 7, digest, (), 0, 0, ())
    manifest = Manifest(FORMAT, taken_at, "0", "18", 4, (database,))
    manifest.write(folder)
    return manifest


def test_the_newest_backup_up_to_an_instant_is_used(tmp_path: Path) -> None:
    """Without an instant the newest of all; before the first there is none."""
    for hour in (10, 11, 12):
        backup_of(tmp_path / f"at-{hour}", NOON.replace(hour=hour))
    assert backup_at(tmp_path, None) == tmp_path / "at-12"
    assert backup_at(tmp_path, NOON.replace(hour=11, minute=59)) == tmp_path / "at-11"
    with pytest.raises(BackupIsUnusable):
        backup_at(tmp_path, NOON.replace(hour=9))


def test_a_damaged_backup_is_not_used(tmp_path: Path) -> None:
    """A changed or missing file, another format, no manifest."""
    folder = tmp_path / "one"
    manifest = backup_of(folder, NOON)
    assert read_manifest(folder).checked(folder) == manifest
    (folder / "a.dump").write_bytes(b"Content")
    with pytest.raises(BackupIsUnusable, match="not the file"):
        manifest.checked(folder)
    msgspec.structs.replace(manifest, format=FORMAT + 1).write(folder)
    with pytest.raises(BackupIsUnusable, match="format"):
        read_manifest(folder)
    with pytest.raises(BackupIsUnusable, match="no readable"):
        read_manifest(tmp_path)


def test_only_the_newest_backups_are_kept(tmp_path: Path) -> None:
    """Others in the folder are left alone."""
    for hour in (10, 11, 12):
        backup_of(tmp_path / f"at-{hour}", NOON.replace(hour=hour))
    (tmp_path / "else").mkdir()
    assert remove_oldest(tmp_path, keep=2) == [tmp_path / "at-10"]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["at-11", "at-12", "else"]
    assert remove_oldest(tmp_path, keep=2) == []
