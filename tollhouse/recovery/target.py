"""The installation that is backed up or restored: a local one, or servers named by the environment."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tollhouse.embedded import local_servers
from tollhouse.installation_state import InstallationState
from tollhouse.provision import Databases, databases_from_env
from tollhouse.running_installation import find_running


@dataclass(frozen=True, slots=True)
class Target:
    """Its databases, and the broker if that outlives them (None: it is empty when the services start)."""

    databases: Databases
    bootstrap: str | None


def is_named_by_environment() -> bool:
    """Whether the environment names the servers, as for `python -m tollhouse.provision`."""
    return bool(os.environ.get("TOLLHOUSE_ROLE_PASSWORDS_FOLDER"))


def running_databases(folder: Path) -> Databases:
    """The databases of an installation that may be running. Raises NotRunning, ProvisionRefused."""
    if is_named_by_environment():
        return databases_from_env(os.environ)
    return Databases(find_running(folder).postgres_url, InstallationState(folder).secret)


@asynccontextmanager
async def stopped_installation(folder: Path) -> AsyncIterator[Target]:
    """An installation of which no service runs; local servers run for the length of the block.

    Raises AlreadyRunning, ProvisionRefused, ChildDied, ChildNotReady.
    """
    if is_named_by_environment():
        yield Target(databases_from_env(os.environ), os.environ.get("TOLLHOUSE_KAFKA_BOOTSTRAP"))
        return
    async with local_servers(folder) as servers:
        databases = Databases(servers.postgres_url, InstallationState(folder).secret)
        yield Target(databases, servers.kafka_bootstrap if servers.broker == "external" else None)
