"""Local servers: PostgreSQL, Valkey and a Kafka-protocol broker as child processes on loopback.

Any of them is replaced by its URL in the environment: TOLLHOUSE_POSTGRES_URL (a superuser's),
TOLLHOUSE_REDIS_URL, TOLLHOUSE_KAFKA_BOOTSTRAP. Only what is missing is started.
"""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tollhouse.installation_state import InstallationState, exclusive_lock
from tollhouse.servers.child_process import ChildNotReady, ProcessSpec
from tollhouse.servers.postgres import local_postgres
from tollhouse.servers.tansu import local_tansu
from tollhouse.servers.topics import has_topics
from tollhouse.servers.valkey import local_valkey
from tollhouse.supervised_process import SupervisedProcess, supervised


@dataclass(frozen=True, slots=True)
class LocalServers:
    """Addresses of the three servers, and the keepers of those that we started ourselves."""

    postgres_url: str
    redis_url: str
    kafka_bootstrap: str
    broker: str  # tansu or external
    broker_is_idempotent: bool
    keepers: Mapping[str, SupervisedProcess]


@asynccontextmanager
async def local_servers(
    folder: Path, *, fast: bool = False, env: Mapping[str, str] = os.environ
) -> AsyncIterator[LocalServers]:
    """Run what is missing for the length of a block, with data and ports kept in `folder`.

    `fast` gives up durability against power loss, for tests. Raises AlreadyRunning, ChildDied, ChildNotReady.
    """
    with exclusive_lock(folder):
        state, programs = InstallationState(folder), list[ProcessSpec]()
        postgres_url = env.get("TOLLHOUSE_POSTGRES_URL") or _postgres(state, programs, fast)
        redis_url = env.get("TOLLHOUSE_REDIS_URL") or _needed(programs, *local_valkey(state))
        external = env.get("TOLLHOUSE_KAFKA_BOOTSTRAP")
        bootstrap = external or _needed(programs, *local_tansu(state))
        idempotent = env.get("TOLLHOUSE_BROKER_IDEMPOTENCE", "false").lower() in {"true", "1"}
        async with supervised(programs) as keepers:
            if external and not await has_topics(external):
                raise ChildNotReady(f"no broker answers at TOLLHOUSE_KAFKA_BOOTSTRAP={external}")
            kind = "external" if external else "tansu"
            yield LocalServers(postgres_url, redis_url, bootstrap, kind, idempotent, keepers)


def _postgres(state: InstallationState, programs: list[ProcessSpec], fast: bool) -> str:
    server = local_postgres(state, fast=fast)
    return _needed(programs, server.url, server.program())


def _needed(programs: list[ProcessSpec], url: str, program: ProcessSpec) -> str:
    programs.append(program)
    return url
