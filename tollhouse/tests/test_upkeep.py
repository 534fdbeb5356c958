"""Logs of supervised processes are bounded, and a process that may not grow is started again when it has."""

import sys
from pathlib import Path

from tollhouse.servers.child_process import ProcessSpec
from tollhouse.supervised_process import SupervisedProcess, supervised
from tollhouse.tests.waiting import until
from tollhouse.upkeep import OLD_LOGS, Upkeep, resident_bytes

LINES = "for n in range(10**9): print(f'line {n:06}', flush=True); time.sleep(0.001)"
GROWING = "held = []\nwhile True: held.append(b'x' * 2**20); time.sleep(0.01)"
MEBIBYTE = 2**20


def program(folder: Path, code: str, memory_bytes_max: int | None = None) -> ProcessSpec:
    async def is_ready() -> bool:
        return True

    return ProcessSpec(
        name="stand-in",
        command=lambda: [sys.executable, "-c", f"import time\n{code}"],
        is_ready=is_ready,
        log=folder / "stand-in.log",
        memory_bytes_max=memory_bytes_max,
    )


async def test_a_log_is_rotated_while_it_is_written_to(tmp_path: Path) -> None:
    """There are at most four files of a size, whatever a process says (issue 7, row 21)."""
    async with supervised([program(tmp_path, LINES)]) as processes:
        upkeep = Upkeep(list(processes.values()), log_bytes_max=500)
        log = tmp_path / "stand-in.log"

        def has_grown() -> bool:
            return log.exists() and log.stat().st_size >= 500

        for _ in range(OLD_LOGS + 2):
            await until(has_grown)
            upkeep.look()
        names = {"stand-in.log", *(f"stand-in.log.{number}" for number in range(1, OLD_LOGS + 1))}
        assert {path.name for path in tmp_path.iterdir()} == names
    newest = [int(line[5:]) for line in (tmp_path / "stand-in.log.1").read_text().splitlines()]
    older = [int(line[5:]) for line in (tmp_path / "stand-in.log.2").read_text().splitlines()]
    assert older == sorted(older)
    assert older[-1] < newest[0]


async def test_a_process_that_has_grown_too_large_is_started_again(tmp_path: Path) -> None:
    """The local broker keeps all messages in memory, and has no other retention."""
    limit = 64 * MEBIBYTE
    async with supervised([program(tmp_path, GROWING, limit)]) as processes:
        [process] = processes.values()
        upkeep = Upkeep([process])

        def is_large(of: SupervisedProcess) -> bool:
            return of.pid is not None and resident_bytes(of.pid) > limit

        first = process.pid
        upkeep.look()
        assert process.pid == first
        await until(lambda: is_large(process))
        upkeep.look()
        await until(lambda: process.restarts == 1 and process.pid not in {None, first})
