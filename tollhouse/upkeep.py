"""Keeps what supervised processes leave behind bounded: the size of their logs, and the memory of some."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tollhouse.supervised_process import SupervisedProcess

LOG_BYTES_MAX = 16 * 1024 * 1024
OLD_LOGS = 3
INTERVAL_S = 5.0


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Looks after some processes, again and again."""

    processes: Sequence[SupervisedProcess]
    log_bytes_max: int = LOG_BYTES_MAX
    interval_s: float = INTERVAL_S

    async def run(self) -> None:
        """Run for ever."""
        while True:
            self.look()
            await asyncio.sleep(self.interval_s)

    def look(self) -> None:
        """Rotate logs that are too large, and end processes that are; supervision starts those again."""
        for process in self.processes:
            with suppress(OSError):  # such as a full disk: the next look tries again
                rotate(process.program.log, self.log_bytes_max)
            limit, pid = process.program.memory_bytes_max, process.pid
            if limit is not None and pid is not None and resident_bytes(pid) > limit:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def rotate(log: Path, bytes_max: int) -> None:
    """Copy a log of `bytes_max` or more to `<name>.1`, older ones to .2 and so on, and empty it.

    The process goes on writing to the same file, which it has opened to append. What it writes between the
    copy and the emptying is lost.
    """
    if not log.exists() or log.stat().st_size < bytes_max:
        return
    for number in range(OLD_LOGS, 1, -1):
        newer = log.with_name(f"{log.name}.{number - 1}")
        if newer.exists():
            newer.replace(log.with_name(f"{log.name}.{number}"))
    shutil.copyfile(log, log.with_name(f"{log.name}.1"))
    os.truncate(log, 0)


def resident_bytes(pid: int) -> int:
    """The resident memory of a process; 0 if it has ended, and where there is no /proc."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


@asynccontextmanager
async def kept_bounded(processes: Sequence[SupervisedProcess]) -> AsyncIterator[None]:
    """Look after processes for the length of a block."""
    task = asyncio.create_task(Upkeep(processes).run(), name="upkeep")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
