"""Fixtures that every test folder may use: real servers, on free ports, gone when the session is.

`postgres_url` (a superuser's), `redis_url` and `kafka_bootstrap` are shared by the session; a test that wants
a clean database takes `database_url`. `apache_kafka_bootstrap` is Apache Kafka, or a skip that says why.
"""

import secrets
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import settings

from tests.apache_kafka.server import KafkaIsMissing, local_apache_kafka
from tollhouse.embedded import LocalServers, local_servers
from tollhouse.installation_state import InstallationState
from tollhouse.supervised_process import supervised

# A machine that is busy with other tests is slow, not wrong: no example has a deadline of its own.
settings.register_profile("tollhouse", deadline=None)
settings.load_profile("tollhouse")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalServers]:
    async with local_servers(tmp_path_factory.mktemp("servers"), fast=True) as running:
        yield running


@pytest.fixture(scope="session")
def postgres_url(servers: LocalServers) -> str:
    return servers.postgres_url


@pytest.fixture(scope="session")
def redis_url(servers: LocalServers) -> str:
    return servers.redis_url


@pytest.fixture(scope="session")
def kafka_bootstrap(servers: LocalServers) -> str:
    return servers.kafka_bootstrap


@pytest_asyncio.fixture
async def database_url(postgres_url: str) -> AsyncIterator[str]:
    """A database of the test's own, empty, gone afterwards."""
    name = f"test_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(postgres_url)
    await admin.execute(f"CREATE DATABASE {name}")
    yield urlsplit(postgres_url)._replace(path=f"/{name}").geturl()
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def apache_kafka_bootstrap(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    try:
        bootstrap, program = local_apache_kafka(InstallationState(tmp_path_factory.mktemp("apache-kafka")))
    except KafkaIsMissing as missing:
        pytest.skip(str(missing))
    async with supervised([program]):
        yield bootstrap
