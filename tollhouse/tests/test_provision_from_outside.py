import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from tollhouse.provision import ProvisionRefused, databases_from_env
from tollhouse.topology import REPOSITORY_ROOT, SERVICES

ROLES = [f"{service.name}_{kind}" for service in SERVICES for kind in ("owner", "app")]


def passwords_in(folder: Path) -> Path:
    """As a mounted Secret lays them out: one file for each role."""
    for role in ROLES:
        (folder / role).write_text(f"password-of-{role}\n")
    return folder


def environment(postgres_url: str, folder: Path) -> dict[str, str]:
    return {"TOLLHOUSE_POSTGRES_URL": postgres_url, "TOLLHOUSE_ROLE_PASSWORDS_FOLDER": str(folder)}


def run(env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """As the Job runs it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TOLLHOUSE_")}
    command = [sys.executable, "-m", "tollhouse.provision"]
    return subprocess.run(
        command, env=kept | env, cwd=REPOSITORY_ROOT, capture_output=True, text=True, timeout=100, check=False
    )


def test_a_role_without_a_usable_password_is_named_before_the_server_is_touched(tmp_path: Path) -> None:
    """Neither a missing file nor a character that means something in SQL or a URL gets to the server."""
    folder = passwords_in(tmp_path)
    (folder / "ingest_app").unlink()
    (folder / "metering_owner").write_text("it's-a-quote-and-16")
    with pytest.raises(ProvisionRefused, match=r"role ingest_app, role metering_owner$"):
        databases_from_env(environment("postgresql://nobody@nowhere/none", folder))


def test_an_unset_variable_ends_the_job_with_its_name() -> None:
    """An operator reads one line, not a stack."""
    ended = run({})
    assert ended.returncode == 1
    expected = "provision: not set: TOLLHOUSE_POSTGRES_URL, TOLLHOUSE_ROLE_PASSWORDS_FOLDER"
    assert ended.stderr.strip() == expected


async def test_the_job_makes_every_database_and_may_run_again(tmp_path: Path, postgres_url: str) -> None:
    """After it each service can log in with its own password and finds its tables."""
    env = environment(postgres_url, passwords_in(tmp_path))
    for _ in range(2):
        ended = run(env)
        assert (ended.returncode, ended.stderr) == (0, "")
    for service in SERVICES:
        server = urlsplit(postgres_url)
        role = f"{service.name}_app"
        at = server.netloc.rpartition("@")[2]
        # pragma: allowlist nextline secret
        url = f"postgresql://{role}:password-of-{role}@{at}/tollhouse_{service.name}"
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("SELECT to_regclass('events') IS NOT NULL")
        await connection.close()
