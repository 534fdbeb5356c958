"""An installation that nobody uses writes nothing, so that a week of idling does not fill a disk."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import asyncpg
import pytest

from tollhouse.quiescence import wait_until_quiescent
from tollhouse.supervisor import Stack

IDLE_S = 6.0
"""Three sweeps of the consumers; half a minute of a relay's longest pauses and of timer polls."""
BYTES_MAX = 2_000


def sizes(folder: Path) -> Mapping[str, int]:
    """The size of each file below a folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(file.relative_to(folder)): file.stat().st_size for file in files}


def spans(folder: Path) -> int:
    return sum(len(file.read_bytes().splitlines()) for file in (folder / "traces").iterdir())


@pytest.mark.timeout(120)
async def test_idling_writes_no_spans_and_next_to_nothing(tmp_path: Path) -> None:
    """It wrote 10 MB of traces an hour, for reads of the feeds' heads (issue 7, row 21)."""
    folder = tmp_path / "state"
    async with Stack.start(folder, fast=True) as stack:
        await wait_until_quiescent(stack.urls, stack.credentials.service_token_file.read_text())
        await asyncio.sleep(IDLE_S)  # what belongs to the start is written: spans are written in batches
        before, spans_before = sizes(folder), spans(folder)
        await asyncio.sleep(IDLE_S)
        after = sizes(folder)
        assert spans(folder) == spans_before
        grown = {name: max(size - before.get(name, 0), 0) for name, size in after.items()}
        assert sum(grown.values()) < BYTES_MAX, grown


async def test_ordinary_contention_is_no_error_in_the_log_of_postgres(tmp_path: Path) -> None:
    """Two writers of one stream; the client is told, the log is not filled."""
    async with Stack.start(tmp_path / "state", services=(), fast=True) as stack:
        connection = await asyncpg.connect(stack.servers.postgres_url)
        await connection.execute("CREATE TABLE streams (id int PRIMARY KEY)")
        await connection.execute("INSERT INTO streams VALUES (1)")
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute("INSERT INTO streams VALUES (1)")
        with pytest.raises(asyncpg.RaiseError):
            await connection.execute("DO $$ BEGIN RAISE EXCEPTION 'a timer is gone'; END $$")
        await connection.close()
        log = (tmp_path / "state" / "logs" / "postgres.log").read_text()
    assert "ready to accept connections" in log
    assert "ERROR" not in log
