"""Local servers: PostgreSQL, Valkey and a Kafka-protocol broker as child processes on loopback.

Each is replaced by an external server if its URL is set: TOLLHOUSE_POSTGRES_URL (of a superuser),
TOLLHOUSE_REDIS_URL, TOLLHOUSE_KAFKA_BOOTSTRAP.
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
from tollhouse.servers.topics import ensure_topics
from tollhouse.servers.valkey import local_valkey
from tollhouse.supervised_process import SupervisedProcess, supervised


@dataclass(frozen=True, slots=True)
class LocalServers:
    """Addresses of the three servers, and the supervised processes of those started here."""

    postgres_url: str
    redis_url: str
    kafka_bootstrap: str
    broker: str  # tansu or external
    broker_is_idempotent: bool
    processes: Mapping[str, SupervisedProcess]


@asynccontextmanager
async def local_servers(
    folder: Path, *, fast: bool = False, env: Mapping[str, str] = os.environ
) -> AsyncIterator[LocalServers]:
    """Run the servers that have no URL for the length of a block. Their data is in `folder`.

    `fast` turns off durability against power loss, for tests. Raises AlreadyRunning, ChildDied and
    ChildNotReady.
    """
    with exclusive_lock(folder):
        state, programs = InstallationState(folder), list[ProcessSpec]()
        postgres_url = env.get("TOLLHOUSE_POSTGRES_URL") or _postgres(state, programs, fast)
        redis_url = env.get("TOLLHOUSE_REDIS_URL") or _add(programs, *local_valkey(state))
        external = env.get("TOLLHOUSE_KAFKA_BOOTSTRAP")
        bootstrap = external or _add(programs, *local_tansu(state))
        idempotent = env.get("TOLLHOUSE_BROKER_IDEMPOTENCE", "false").lower() in {"true", "1"}
        async with supervised(programs) as processes:
            if external and not await ensure_topics(external):
                raise ChildNotReady(f"no broker answers at TOLLHOUSE_KAFKA_BOOTSTRAP={external}")
            kind = "external" if external else "tansu"
            yield LocalServers(postgres_url, redis_url, bootstrap, kind, idempotent, processes)


def _postgres(state: InstallationState, programs: list[ProcessSpec], fast: bool) -> str:
    server = local_postgres(state, fast=fast)
    return _add(programs, server.url, server.program())


def _add(programs: list[ProcessSpec], url: str, program: ProcessSpec) -> str:
    programs.append(program)
    return url
