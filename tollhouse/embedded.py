"""Local servers: PostgreSQL, Valkey and a Kafka-protocol broker as child processes on loopback.

Any of them is replaced by its URL in the environment: TOLLHOUSE_POSTGRES_URL (a superuser's),
TOLLHOUSE_REDIS_URL, TOLLHOUSE_KAFKA_BOOTSTRAP. Only what is missing is started.
"""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from tollhouse.installation_state import InstallationState, exclusive_lock
from tollhouse.servers.apache_kafka import local_apache_kafka
from tollhouse.servers.child_process import ChildNotReady, ProcessSpec
from tollhouse.servers.postgres import local_postgres
from tollhouse.servers.tansu import local_tansu
from tollhouse.servers.topics import has_topics
from tollhouse.servers.valkey import local_valkey
from tollhouse.supervised_process import SupervisedProcess, supervised

BrokerKind = Literal["tansu", "apache"]


@dataclass(frozen=True, slots=True)
class LocalServers:
    """Addresses of the three servers, and the keepers of those that we started ourselves."""

    postgres_url: str
    redis_url: str
    kafka_bootstrap: str
    broker: str  # tansu, apache or external
    broker_is_idempotent: bool
    keepers: Mapping[str, SupervisedProcess]


class UnknownBroker(Exception):
    """TOLLHOUSE_BROKER names the local broker: tansu or apache."""


def chosen_broker(env: Mapping[str, str] = os.environ) -> BrokerKind:
    """The local broker that the environment asks for. Raises UnknownBroker."""
    name = env.get("TOLLHOUSE_BROKER", "tansu")
    if name not in get_args(BrokerKind):
        raise UnknownBroker(
            f"TOLLHOUSE_BROKER is {name!r}: it must be one of {', '.join(get_args(BrokerKind))}"
        )
    return cast("BrokerKind", name)


@asynccontextmanager
async def local_servers(
    folder: Path, *, broker: BrokerKind | None = None, fast: bool = False, env: Mapping[str, str] = os.environ
) -> AsyncIterator[LocalServers]:
    """Run what is missing for the length of a block, with data and ports kept in `folder`.

    `fast` gives up durability against power loss, for tests. Raises AlreadyRunning, ChildDied, ChildNotReady.
    """
    with exclusive_lock(folder):
        state, programs = InstallationState(folder), list[ProcessSpec]()
        postgres_url = env.get("TOLLHOUSE_POSTGRES_URL") or _postgres(state, programs, fast)
        redis_url = env.get("TOLLHOUSE_REDIS_URL") or _needed(programs, *local_valkey(state))
        external = env.get("TOLLHOUSE_KAFKA_BOOTSTRAP")
        broker = broker or chosen_broker(env)
        bootstrap = external or _needed(programs, *_local_broker(state, broker))
        idempotent = env.get("TOLLHOUSE_BROKER_IDEMPOTENCE", str(broker == "apache")).lower() in {"true", "1"}
        async with supervised(programs) as keepers:
            if external and not await has_topics(external):
                raise ChildNotReady(f"no broker answers at TOLLHOUSE_KAFKA_BOOTSTRAP={external}")
            kind = "external" if external else broker
            yield LocalServers(postgres_url, redis_url, bootstrap, kind, idempotent, keepers)


def _postgres(state: InstallationState, programs: list[ProcessSpec], fast: bool) -> str:
    server = local_postgres(state, fast=fast)
    return _needed(programs, server.url, server.program())


def _local_broker(state: InstallationState, broker: BrokerKind) -> tuple[str, ProcessSpec]:
    return local_apache_kafka(state) if broker == "apache" else local_tansu(state)


def _needed(programs: list[ProcessSpec], url: str, program: ProcessSpec) -> str:
    programs.append(program)
    return url
