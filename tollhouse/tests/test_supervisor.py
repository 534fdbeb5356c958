import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import asyncpg
import httpx2
import pytest

from tollhouse.running_installation import NotRunning, find_running
from tollhouse.servers.child_process import ChildDied, ProcessSpec
from tollhouse.supervised_process import supervised
from tollhouse.supervisor import Stack
from tollhouse.tests.waiting import is_alive, until
from tollhouse.topology import ServiceProcess

STAND_IN = "tollhouse.tests.stand_in"
SERVICES = (
    ServiceProcess("ingest", STAND_IN, ()),
    ServiceProcess("payments", STAND_IN, (), uses_sandbox=True),
)

SERVE = """
import asyncio, sys
from pathlib import Path
from tollhouse import supervisor
from tollhouse.tests.test_supervisor import SERVICES
asyncio.run(supervisor.serve(Path(sys.argv[1]), lambda stack: print("up", flush=True), services=SERVICES))
"""


async def environment_of(stack: Stack, name: str) -> dict[str, str]:
    """The environment that a stand-in was started with."""
    async with httpx2.AsyncClient() as client:
        answer = await client.get(stack.urls[name])
    return dict(answer.json())


async def test_every_service_is_told_the_environment_contract(tmp_path: Path) -> None:
    """The process settings read these names; a missing one is a service that does not start."""
    async with Stack.start(tmp_path, services=SERVICES, fast=True, env={"TOLLHOUSE_EXTRA": "1"}) as stack:
        ingest, payments = await environment_of(stack, "ingest"), await environment_of(stack, "payments")
        assert ingest["TOLLHOUSE_DATABASE_URL"] == stack.dsn("ingest")
        assert json.loads(ingest["TOLLHOUSE_FEEDS"]) == stack.urls
        assert ingest["TOLLHOUSE_EXTRA"] == "1"
        assert Path(ingest["TOLLHOUSE_SERVICE_TOKEN_FILE"]).read_text().count(".") == 2
        assert set(payments) - set(ingest) == {"TOLLHOUSE_SANDBOX_DATABASE_URL"}


async def test_a_service_may_enter_its_own_database_only(tmp_path: Path) -> None:
    """Each role can open one database, and has only the rights that the migrations grant."""
    async with Stack.start(tmp_path, services=SERVICES, fast=True) as stack:
        connection = await asyncpg.connect(stack.dsn("ingest"))
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("CREATE TABLE smuggled (x int)")
        await connection.close()
        other = stack.dsn("ingest").replace("/tollhouse_ingest", "/tollhouse_payments")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(other)


async def test_a_killed_service_is_restarted_where_it_was(tmp_path: Path) -> None:
    """kill -9 of a child is an incident of less than a second, not an outage."""
    async with Stack.start(tmp_path, services=SERVICES, fast=True) as stack:
        killed = stack.pids["payments"]
        assert killed
        os.kill(killed, signal.SIGKILL)
        process = stack.processes["payments"]
        await until(lambda: process.restarts == 1 and process.ready.is_set())
        assert stack.pids["payments"] not in {None, killed}
        assert (await environment_of(stack, "payments"))["TOLLHOUSE_DATABASE_URL"] == stack.dsn("payments")


async def test_a_service_that_stands_still_is_restarted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lives and holds its port, but answers nothing: it is ended, and a new one serves."""
    monkeypatch.setattr("tollhouse.launch_plan.LIVENESS_TIMEOUT_S", 0.3)
    monkeypatch.setattr("tollhouse.supervised_process.LIVENESS_INTERVAL_S", 0.1)
    monkeypatch.setattr("tollhouse.supervised_process.HUNG_STOP_TIMEOUT_S", 0.5)
    async with Stack.start(tmp_path, services=SERVICES, fast=True) as stack:
        stopped = stack.pids["payments"]
        assert stopped
        os.kill(stopped, signal.SIGSTOP)
        process = stack.processes["payments"]
        await until(lambda: process.restarts == 1 and process.ready.is_set())
        assert not is_alive(stopped)
        assert (await environment_of(stack, "payments"))["TOLLHOUSE_DATABASE_URL"] == stack.dsn("payments")


async def test_other_commands_find_the_house_only_while_it_runs(tmp_path: Path) -> None:
    """`tollhouse verify` in another terminal needs no flags."""
    with pytest.raises(NotRunning):
        find_running(tmp_path)
    async with Stack.start(tmp_path, services=SERVICES, fast=True) as stack:
        found = find_running(tmp_path)
        assert found.urls == stack.urls
        assert found.dsns["ingest"] == stack.dsn("ingest")
    with pytest.raises(NotRunning):
        find_running(tmp_path)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
async def test_nothing_is_left_running_however_the_supervisor_ends(
    tmp_path: Path, ending: signal.Signals
) -> None:
    """Also after kill -9 of the supervisor itself: the kernel takes its children along."""
    supervisor = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVE, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert supervisor.stdout is not None
    assert await supervisor.stdout.readline() == b"up\n"
    children = descendants_of(supervisor.pid)
    assert len(children) >= 5
    supervisor.send_signal(ending)
    code = await supervisor.wait()
    assert code == (-signal.SIGKILL if ending is signal.SIGKILL else 0)
    await until(lambda: not any(is_alive(pid) for pid in children))


def descendants_of(pid: int) -> list[int]:
    """The processes that a process has started, and those that they have started."""
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return children + [below for child in children for below in descendants_of(child)]


async def test_a_child_that_cannot_start_is_told_with_its_last_words(tmp_path: Path) -> None:
    """`make up` must show the cause, not a time-out."""

    async def never() -> bool:
        return False

    command = [sys.executable, "-c", "raise SystemExit('the port is taken')"]
    program = ProcessSpec(name="broken", command=lambda: command, is_ready=never, log=tmp_path / "broken.log")
    with pytest.raises(ChildDied, match="the port is taken"):
        async with supervised([program]):
            pass
