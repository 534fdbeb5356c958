"""Fixtures: one installation for all stories, started by `tollhouse up`, stopped when the session ends."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tollhouse.client import Client
from tollhouse.credentials import Credentials
from tollhouse.quiescence import wait_until_quiescent
from tollhouse.roles import SCOPES
from tollhouse.running_installation import RunningInstallation, find_running

UP_WITHIN_S, DOWN_WITHIN_S = 120, 60


@dataclass(frozen=True, slots=True)
class Installation:
    """A running installation, with what a test needs to call it."""

    folder: Path
    process: "subprocess.Popen[bytes]" = field(repr=False)
    pids: Mapping[str, int] = field(default_factory=dict)  # as `tollhouse up` printed them

    @property
    def addresses(self) -> RunningInstallation:
        """The addresses of services and servers."""
        return find_running(self.folder)

    @property
    def credentials(self) -> Credentials:
        """Issues tokens and API keys of this installation."""
        return Credentials(self.folder / "keys")

    def client(self, tenant: str, role: str = "billing_admin") -> Client:
        """A client with a role in a tenant."""
        token = self.credentials.token(tenant=tenant, role=role, scopes=SCOPES[role])
        return Client(self.addresses.urls, token)

    async def settled(self, timeout_s: float = 120.0) -> dict[str, Any]:
        """Wait until every process has processed everything."""
        token = self.credentials.service_token_file.read_text()
        return await wait_until_quiescent(self.addresses.urls, token, timeout_s=timeout_s)

    def tollhouse(self, *arguments: str, expect: int = 0) -> str:
        """Run a `tollhouse` command on this installation. Returns its standard output."""
        command = [sys.executable, "-m", "tollhouse", *arguments, "--folder", str(self.folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == expect, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@contextmanager
def tollhouse_up(folder: Path) -> Iterator[Installation]:
    """`tollhouse up` for the length of a block; Ctrl-C at its end must stop it cleanly."""
    command = [sys.executable, "-m", "tollhouse", "up", "--json", "--folder", str(folder)]
    log = folder.with_suffix(".log").open("wb")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, start_new_session=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"tollhouse up said nothing: {folder.with_suffix('.log').read_text()[-3000:]}"
        announced = json.loads(line)
        assert set(announced) == {"urls", "tokens", "pids"}
        yield Installation(folder, process, announced["pids"])
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(DOWN_WITHIN_S) == 0, folder.with_suffix(".log").read_text()[-3000:]


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The installation that all stories share; each story uses its own tenant."""
    with tollhouse_up(tmp_path_factory.mktemp("installation") / "state") as up:
        yield up


@pytest.fixture
async def client(installation: Installation, request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    """A client with role billing_admin in a tenant that is named after the test."""
    tenant = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:64].strip("-")
    async with installation.client(tenant) as administrator:
        yield administrator


@pytest.fixture
def new_tenant(installation: Installation) -> Callable[[str], Client]:
    """Creates clients of further tenants."""
    return installation.client
