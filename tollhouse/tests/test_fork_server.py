"""Processes of the fork server behave as if each had been started by itself."""

import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tollhouse.servers.child_process import ProcessSpec, stop
from tollhouse.servers.forked_process import ForkedProcesses, forked_processes
from tollhouse.supervised_process import supervised
from tollhouse.tests.waiting import is_alive, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="children are made to end with it by Linux")

STAND_IN = "tollhouse.tests.forked_stand_in"


@pytest.fixture
async def forked(tmp_path: Path) -> AsyncIterator[ForkedProcesses]:
    async with forked_processes([STAND_IN], tmp_path / "fork-server.log") as processes:
        yield processes


def program(folder: Path, name: str, **env: str) -> ProcessSpec:
    async def is_ready() -> bool:
        return (folder / name).exists()

    return ProcessSpec(
        name=name,
        command=list,
        is_ready=is_ready,
        log=folder / f"{name}.log",
        env={"STAND_IN_FILE": str(folder / name), **env},
    )


async def test_ids_and_secrets_of_forked_processes_differ(forked: ForkedProcesses, tmp_path: Path) -> None:
    """A generator that was seeded before the fork would give the same ids and keys to two services."""
    names = [f"service-{number}" for number in range(5)]
    children = [await forked.start(program(tmp_path, name), STAND_IN) for name in names]
    await until(lambda: all((tmp_path / name).exists() for name in names))
    drawn = [set((tmp_path / name).read_text().splitlines()) for name in names]
    assert len(set.union(*drawn)) == sum(map(len, drawn)) == 4 * len(names)
    for child in children:
        await stop(program(tmp_path, "any"), child)


async def test_a_forked_process_has_its_own_log_session_and_exit_code(
    forked: ForkedProcesses, tmp_path: Path
) -> None:
    first = program(tmp_path, "first")
    child = await forked.start(first, STAND_IN)
    await until((tmp_path / "first").exists)
    assert os.getsid(child.pid) == child.pid
    assert Path(f"/proc/{child.pid}/comm").read_text() == "first\n"
    assert await stop(first, child) == -signal.SIGTERM
    assert first.log.read_text() == "stand-in runs\n"
    failing = await forked.start(program(tmp_path, "failing", STAND_IN_EXIT="3"), STAND_IN)
    assert await failing.wait() == 3
    assert (tmp_path / "fork-server.log").read_text() == ""


async def test_a_module_that_cannot_be_imported_stops_only_its_own_service(tmp_path: Path) -> None:
    modules = ["tollhouse.tests.no_such_module", STAND_IN]
    async with forked_processes(modules, tmp_path / "fork-server.log") as forked:
        broken = program(tmp_path, "broken")
        assert await (await forked.start(broken, modules[0])).wait() == 1
        assert "No module named" in broken.log.read_text()
        well = await forked.start(program(tmp_path, "well"), STAND_IN)
        await until((tmp_path / "well").exists)
        assert is_alive(well.pid)


async def test_services_are_back_after_their_fork_server_is_killed(
    forked: ForkedProcesses, tmp_path: Path
) -> None:
    """Its end is the end of all its children, which are started again by a new one."""
    launch = partial(forked.start, module=STAND_IN)
    specs = [replace(program(tmp_path, name), launch=launch) for name in ("one", "two")]
    async with supervised(specs) as processes:
        before, server = {process.pid for process in processes.values()}, forked.pid
        assert server is not None
        assert None not in before
        os.kill(server, signal.SIGKILL)
        await until(lambda: all(p.restarts == 1 and p.ready.is_set() for p in processes.values()))
        after = {process.pid for process in processes.values()}
        assert not before & after
        assert not any(is_alive(pid) for pid in before if pid)
        assert forked.pid not in {None, server}
