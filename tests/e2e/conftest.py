"""One house for all stories: started as a user would, by `tollhouse up`, gone when the session is."""

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
from tollhouse.running_installation import RunningInstallation, running

UP_WITHIN_S, DOWN_WITHIN_S = 120, 60


@dataclass(frozen=True, slots=True)
class House:
    """A running Tollhouse and the keys to it."""

    folder: Path
    process: "subprocess.Popen[bytes]" = field(repr=False)
    pids: Mapping[str, int] = field(default_factory=dict)  # as they were when it was announced

    @property
    def addresses(self) -> RunningInstallation:
        """Where everything is."""
        return running(self.folder)

    @property
    def credentials(self) -> Credentials:
        """The mint of this installation."""
        return Credentials(self.folder / "keys")

    def client(self, tenant: str, role: str = "billing_admin") -> Client:
        """Somebody of a tenant."""
        token = self.credentials.token(tenant=tenant, role=role, scopes=SCOPES[role])
        return Client(self.addresses.urls, token)

    async def settled(self, patience_s: float = 120.0) -> dict[str, Any]:
        """Wait until nothing is left to do."""
        token = self.credentials.service_token_file.read_text()
        return await wait_until_quiescent(self.addresses.urls, token, patience_s=patience_s)

    def tollhouse(self, *arguments: str, expect: int = 0) -> str:
        """Run the command line against this house; its standard output."""
        command = [sys.executable, "-m", "tollhouse", *arguments, "--folder", str(self.folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == expect, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@contextmanager
def house_up(folder: Path) -> Iterator[House]:
    """`tollhouse up` for the length of a block; Ctrl-C at its end must stop it cleanly."""
    command = [sys.executable, "-m", "tollhouse", "up", "--json", "--folder", str(folder)]
    log = folder.with_suffix(".log").open("wb")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, start_new_session=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"tollhouse up said nothing: {folder.with_suffix('.log').read_text()[-3000:]}"
        told = json.loads(line)
        assert set(told) == {"urls", "tokens", "pids"}
        yield House(folder, process, told["pids"])
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(DOWN_WITHIN_S) == 0, folder.with_suffix(".log").read_text()[-3000:]


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The house that all stories share; each story is a tenant of its own."""
    with house_up(tmp_path_factory.mktemp("house") / "state") as up:
        yield up


@pytest.fixture
async def client(house: House, request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    """An administrator of a tenant that is named after the test."""
    tenant = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:64].strip("-")
    async with house.client(tenant) as somebody:
        yield somebody


@pytest.fixture
def new_tenant(house: House) -> Callable[[str], Client]:
    """Clients of further tenants."""
    return house.client
