"""Runs the whole house: local servers, then one process per service, kept alive until told to stop."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx2

from tollhouse.credentials import Credentials
from tollhouse.embedded import LocalServers, local_servers
from tollhouse.installation_state import InstallationState
from tollhouse.launch_plan import LaunchPlan
from tollhouse.provision import Databases, provision
from tollhouse.running_installation import RunningInstallation, published_addresses
from tollhouse.supervised_process import SupervisedProcess, supervised
from tollhouse.topology import SERVICES, ServiceProcess


@dataclass(frozen=True, slots=True)
class Stack:
    """A house that runs: where everything is, who is alive, and tokens to enter."""

    folder: Path
    urls: Mapping[str, str]
    servers: LocalServers
    databases: Databases
    credentials: Credentials
    keepers: Mapping[str, SupervisedProcess]

    @staticmethod
    @asynccontextmanager
    async def start(
        folder: Path,
        *,
        services: Sequence[ServiceProcess] = SERVICES,
        fast: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> "AsyncIterator[Stack]":
        """Run everything for the length of a block; leave nothing running behind it.

        `env` is given to every service on top of what the house tells it; `fast` is for tests (see
        local_servers). Raises AlreadyRunning, ChildDied, ChildNotReady.
        """
        async with AsyncExitStack() as rooms:
            servers = await rooms.enter_async_context(local_servers(folder, fast=fast))
            state = InstallationState(folder)
            databases = Databases(servers.postgres_url, state.secret)
            await provision(databases, services)
            plan = LaunchPlan.of(state, servers, databases, services, env or {})
            probe = await rooms.enter_async_context(
                httpx2.AsyncClient(timeout=5, trust_env=False, verify=False)
            )
            programs = [plan.program(service, probe) for service in services]
            keepers = await rooms.enter_async_context(supervised(programs))
            stack = Stack(
                folder, plan.urls, servers, databases, plan.credentials, {**servers.keepers, **keepers}
            )
            rooms.enter_context(published_addresses(folder, stack.addresses()))
            yield stack

    @property
    def pids(self) -> dict[str, int | None]:
        """Who is alive, by name: services and those servers that are ours. None: being restarted."""
        return {name: keeper.pid for name, keeper in self.keepers.items()}

    @property
    def postgres_url(self) -> str:
        """The server's superuser."""
        return self.servers.postgres_url

    def dsn(self, name: str) -> str:
        """The database of one process, with the rights of that process."""
        return self.databases.dsn(name)

    def token(
        self, *, tenant: str, role: str, scopes: Sequence[str], lifetime: timedelta = timedelta(days=1)
    ) -> str:
        """A bearer token."""
        return self.credentials.token(tenant=tenant, role=role, scopes=scopes, lifetime=lifetime)

    def addresses(self) -> RunningInstallation:
        """What other commands need to know to reach this house."""
        return RunningInstallation(
            pid=os.getpid(),
            urls=dict(self.urls),
            dsns={name: self.databases.dsn(name) for name in self.urls},
            owner_dsns={name: self.databases.owner_dsn(name) for name in self.urls},
            postgres_url=self.servers.postgres_url,
            redis_url=self.servers.redis_url,
            kafka_bootstrap=self.servers.kafka_bootstrap,
            broker=self.servers.broker,
        )


async def serve(
    folder: Path, announce: Callable[[Stack], None], services: Sequence[ServiceProcess] = SERVICES
) -> None:
    """Run the house until Ctrl-C or SIGTERM, then stop it cleanly; a second signal stops it at once."""
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("serve must be run as a task")
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, task.cancel)
    try:
        async with Stack.start(folder, services=services) as stack:
            announce(stack)
            await asyncio.Event().wait()
    except asyncio.CancelledError:
        task.uncancel()
