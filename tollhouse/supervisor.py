"""Runs a whole installation: local servers, then one supervised process per service."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tollhouse.credentials import Credentials
from tollhouse.embedded import LocalServers, local_servers
from tollhouse.installation_state import InstallationState
from tollhouse.launch_plan import LaunchPlan
from tollhouse.provision import Databases, provision
from tollhouse.running_installation import RunningInstallation, published_addresses
from tollhouse.servers.forked_process import ForkedProcesses, forked_processes
from tollhouse.supervised_process import SupervisedProcess, supervised
from tollhouse.topology import READ_SIDE, SERVICES, ServiceProcess
from tollhouse.upkeep import kept_bounded


@dataclass(frozen=True, slots=True)
class Stack:
    """A running installation: addresses, databases, credentials and supervised processes."""

    folder: Path
    urls: Mapping[str, str]
    servers: LocalServers
    databases: Databases
    credentials: Credentials
    processes: Mapping[str, SupervisedProcess]

    @staticmethod
    @asynccontextmanager
    async def start(
        folder: Path,
        *,
        services: Sequence[ServiceProcess] = SERVICES,
        fast: bool = False,
        env: Mapping[str, str] | None = None,
        readers: int = 1,
    ) -> "AsyncIterator[Stack]":
        """Run everything for the length of a block; all processes are stopped at its end.

        `readers`: the number of processes that answer GraphQL; one of them projects.
        `env` is added to the environment of every service; `fast` is for tests (see local_servers).
        Raises AlreadyRunning, ChildDied, ChildNotReady.
        """
        async with AsyncExitStack() as resources:
            # First, because it imports while the servers start.
            forked = await resources.enter_async_context(_fork_server(folder, services))
            servers = await resources.enter_async_context(local_servers(folder, fast=fast))
            state = InstallationState(folder)
            databases = Databases(servers.postgres_url, state.secret)
            await provision(databases, services)
            plan = LaunchPlan.of(state, servers, databases, services, env or {})
            probe = await resources.enter_async_context(
                httpx2.AsyncClient(timeout=5, trust_env=False, verify=False)
            )
            programs = [
                program
                for service in services
                for program in plan.programs(service, probe, forked, readers if service is READ_SIDE else 1)
            ]
            processes = await resources.enter_async_context(supervised(programs))
            stack = Stack(
                folder, plan.urls, servers, databases, plan.credentials, {**servers.processes, **processes}
            )
            await resources.enter_async_context(kept_bounded(list(stack.processes.values())))
            resources.enter_context(published_addresses(folder, stack.addresses()))
            yield stack

    @property
    def pids(self) -> dict[str, int | None]:
        """Process ids by name, of services and local servers; None while one is being restarted."""
        return {name: process.pid for name, process in self.processes.items()}

    def dsn(self, name: str) -> str:
        """The address of one process's database, with that process's restricted role."""
        return self.databases.dsn(name)

    def addresses(self) -> RunningInstallation:
        """The addresses that other commands read from the state folder."""
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


@asynccontextmanager
async def _fork_server(
    folder: Path, services: Sequence[ServiceProcess]
) -> AsyncIterator[ForkedProcesses | None]:
    """The fork server of the services; None where children cannot be made to end with it."""
    if sys.platform != "linux":
        yield None
        return
    modules = [service.module for service in services]
    async with forked_processes(modules, folder / "logs" / "fork-server.log") as forked:
        yield forked


async def serve(
    folder: Path,
    announce: Callable[[Stack], None],
    services: Sequence[ServiceProcess] = SERVICES,
    readers: int = 1,
) -> None:
    """Run an installation until Ctrl-C or SIGTERM, then stop it; a second signal stops it at once."""
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("serve must be run as a task")
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, task.cancel)
    try:
        async with Stack.start(folder, services=services, readers=readers) as stack:
            announce(stack)
            await asyncio.Event().wait()
    except asyncio.CancelledError:
        task.uncancel()
