"""Processes of the small service of slow_service.py, several on one database."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx2
import pytest_asyncio

from shared.framework.eventstore.migrate import apply
from shared.framework.testing.messaging_harness import eventually
from tollhouse.credentials import Credentials
from tollhouse.topology import SHARED_MIGRATIONS

TENANT = "acme"


@dataclass(slots=True)
class Replica:
    """One process of the service, and a client of it."""

    process: asyncio.subprocess.Process
    http: httpx2.AsyncClient

    def send(self, signum: signal.Signals) -> None:
        """Send a signal to the process."""
        os.kill(self.process.pid, signum)

    async def is_ready(self) -> bool:
        """Whether it serves."""
        try:
            return (await self.http.get("/health/ready")).status_code == httpx2.codes.OK
        except httpx2.TransportError:
            return False


@dataclass(slots=True)
class SlowService:
    """The service: its database and credentials, and the processes that were started."""

    dsn: str
    kafka_bootstrap: str
    folder: Path
    resources: AsyncExitStack
    credentials: Credentials = field(init=False)

    def __post_init__(self) -> None:
        self.credentials = Credentials(self.folder / "keys")
        self.credentials.write_service_token()

    @property
    def slow_file(self) -> Path:
        """While this file exists, commands do not end."""
        return self.folder / "slow"

    async def start(self) -> Replica:
        """One more process, ready."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with (self.folder / f"{port}.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.chaos.slow_service",
                env=os.environ | self._environment(port),
                stdout=log,
                stderr=log,
            )
        self.resources.callback(_end, process)
        token = self.credentials.token(tenant=TENANT, role="billing_admin", scopes=["notes:write"])
        client = httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{port}",
            headers={"authorization": f"Bearer {token}"},
            timeout=30,
            limits=httpx2.Limits(max_connections=200),
            trust_env=False,
        )
        replica = Replica(process, await self.resources.enter_async_context(client))
        await eventually(replica.is_ready, within_s=60)
        return replica

    def _environment(self, port: int) -> dict[str, str]:
        return {
            "TOLLHOUSE_DATABASE_URL": self.dsn,
            "TOLLHOUSE_KAFKA_BOOTSTRAP": self.kafka_bootstrap,
            "TOLLHOUSE_HTTP_PORT": str(port),
            "TOLLHOUSE_JWKS_FILE": str(self.credentials.jwks_file),
            "TOLLHOUSE_API_KEYS_FILE": str(self.credentials.api_keys_file),
            "TOLLHOUSE_SERVICE_TOKEN_FILE": str(self.credentials.service_token_file),
            "TOLLHOUSE_SLOW_FILE": str(self.slow_file),
        }


def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()


@pytest_asyncio.fixture
async def slow_service(database_url: str, kafka_bootstrap: str, tmp_path: Path) -> AsyncIterator[SlowService]:
    """The service on a migrated database, without a process."""
    await apply(database_url, SHARED_MIGRATIONS, app_role="postgres")
    async with AsyncExitStack() as resources:
        yield SlowService(database_url, kafka_bootstrap, tmp_path, resources)


@pytest_asyncio.fixture
async def database(database_url: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """A connection to the service's database."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()
