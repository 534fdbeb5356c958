import os
import shutil
import signal
from pathlib import Path

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from redis.asyncio import Redis

from tollhouse.embedded import LocalServers, local_servers
from tollhouse.installation_state import AlreadyRunning, InstallationState
from tollhouse.servers.postgres import local_postgres
from tollhouse.servers.process_user import as_nobody
from tollhouse.servers.tansu import local_tansu
from tollhouse.servers.topics import ALL_TOPICS, PARTITIONS
from tollhouse.supervised_process import SupervisedProcess, supervised
from tollhouse.tests.waiting import is_alive, until

SERVERS = ("postgres", "valkey", "tansu")


async def remember(servers: LocalServers) -> None:
    """Leave a note in Postgres and in Valkey."""
    database = await asyncpg.connect(servers.postgres_url)
    await database.execute("CREATE TABLE note AS SELECT 42 AS answer")
    await database.close()
    cache: Redis = Redis.from_url(servers.redis_url)
    await cache.set("note", "42")
    await cache.aclose()


async def recall(servers: LocalServers) -> tuple[object, object]:
    """Read both notes."""
    database = await asyncpg.connect(servers.postgres_url)
    answer = await database.fetchval("SELECT answer FROM note")
    await database.close()
    cache: Redis = Redis.from_url(servers.redis_url)
    noted = await cache.get("note")
    await cache.aclose()
    return answer, noted


def pids(servers: LocalServers) -> dict[str, int]:
    return {name: process.pid or 0 for name, process in servers.processes.items()}


async def kill_and_wait(process: SupervisedProcess) -> None:
    """Kill a server without a word, and wait until its successor answers."""
    killed = process.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    await until(lambda: process.restarts == 1 and process.ready.is_set())
    assert process.pid not in {None, killed}


async def test_data_and_ports_are_found_again_after_a_stop_that_leaves_nothing_running(
    tmp_path: Path,
) -> None:
    """A second start is the same installation, not a new one."""
    async with local_servers(tmp_path) as first:
        await remember(first)
        started = pids(first)
        assert set(started) == set(SERVERS)
    assert not [pid for pid in started.values() if is_alive(pid)]
    async with local_servers(tmp_path) as second:
        assert await recall(second) == (42, b"42")
        assert (second.postgres_url, second.redis_url) == (first.postgres_url, first.redis_url)


async def test_each_server_survives_kill_9_on_its_old_port_with_its_data(tmp_path: Path) -> None:
    """Clients hold addresses; a restarted server must answer where they know it."""
    async with local_servers(tmp_path, fast=True) as servers:
        await remember(servers)
        for process in servers.processes.values():
            await kill_and_wait(process)
        assert await recall(servers) == (42, b"42")


async def test_topics_exist_with_their_partitions_even_after_the_broker_forgot_them(tmp_path: Path) -> None:
    """The memory broker loses its topics when it dies; it is ready only when they are back."""
    state = InstallationState(tmp_path)
    bootstrap, program = local_tansu(state)
    async with supervised([program]) as processes:
        await kill_and_wait(processes["tansu"])
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        described = await admin.describe_topics(list(ALL_TOPICS))
        await admin.close()
    assert {topic["topic"]: len(topic["partitions"]) for topic in described} == dict.fromkeys(
        ALL_TOPICS, PARTITIONS
    )


async def test_a_server_with_a_url_in_the_environment_is_not_started(
    tmp_path: Path, servers: LocalServers
) -> None:
    """Only what is missing is started."""
    env = {
        "TOLLHOUSE_POSTGRES_URL": servers.postgres_url,
        "TOLLHOUSE_REDIS_URL": servers.redis_url,
        "TOLLHOUSE_KAFKA_BOOTSTRAP": servers.kafka_bootstrap,
    }
    async with local_servers(tmp_path, env=env) as borrowed:
        assert not borrowed.processes
        assert borrowed.postgres_url == servers.postgres_url


async def test_a_state_folder_serves_one_installation_at_a_time(tmp_path: Path) -> None:
    """Two servers on one data folder would be the end of the data."""
    async with local_servers(tmp_path, fast=True):
        with pytest.raises(AlreadyRunning):
            async with local_servers(tmp_path, fast=True):
                pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
async def test_postgres_runs_as_nobody_where_user_namespaces_are_forbidden(tmp_path: Path) -> None:
    """Root in a locked-down container: binaries and data go where the account `nobody` can read them."""
    server = local_postgres(InstallationState(tmp_path), fast=True, user=as_nobody())
    async with supervised([server.program()]):
        database = await asyncpg.connect(server.url)
        assert (
            await database.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = pg_backend_pid()") == 1
        )
        await database.close()
    assert server.data.owner() == "nobody"
    shutil.rmtree(server.data)


async def test_a_test_gets_an_empty_database_of_its_own(database_url: str) -> None:
    """The fixture that every test folder leans on."""
    database = await asyncpg.connect(database_url)
    tables = await database.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    await database.close()
    assert tables == 0
