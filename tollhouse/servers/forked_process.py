"""Processes of the fork server, as the supervisor sees them."""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tollhouse.servers.child_process import ChildDied, ProcessSpec, log_tail, spawn, stop

LINE_BYTES_MAX = 1 << 20


class ForkedProcess:
    """A child of the fork server, with the part of asyncio's Process that a supervisor uses."""

    def __init__(self, pid: int) -> None:
        """A running process."""
        self.pid = pid
        self.returncode: int | None = None
        self._ended = asyncio.Event()

    async def wait(self) -> int:
        """Wait for its end. Returns the exit code (negative: the signal)."""
        await self._ended.wait()
        return self.returncode or 0

    def send_signal(self, number: int) -> None:
        """Send a signal, if it still runs."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def end(self, code: int) -> None:
        """Note that it has ended."""
        self.returncode = code
        self._ended.set()


@dataclass(slots=True)
class _Connection:
    """One running fork server."""

    process: Process
    writer: asyncio.StreamWriter
    starting: deque[asyncio.Future[ForkedProcess]]
    running: dict[int, ForkedProcess]
    ended: bool = False


class ForkedProcesses:
    """Starts services by the fork server, which is started again after its end.

    Its children end with it, and are started again like all that have ended.
    """

    def __init__(self, modules: Sequence[str], log: Path) -> None:
        """`modules` are imported by the fork server; `log` has its output, which should be none."""
        self._program = ProcessSpec(
            name="fork-server",
            command=lambda: [sys.executable, "-m", "tollhouse.servers.fork_server", *modules],
            is_ready=_always,
            log=log,
        )
        self._connection: _Connection | None = None
        self._connecting = asyncio.Lock()
        self._reading: set[asyncio.Task[None]] = set()

    @property
    def pid(self) -> int | None:
        """The process id of the fork server, or None while there is none."""
        connection = self._connection
        return None if connection is None or connection.ended else connection.process.pid

    async def start(self, program: ProcessSpec, module: str) -> ForkedProcess:
        """Run a module as this program's process; its `command` is not used. Raises ChildDied."""
        connection = await self._connected()
        request = {
            "name": program.name,
            "module": module,
            "log": str(program.log),
            "environment": {**os.environ, **program.env},
        }
        program.log.parent.mkdir(parents=True, exist_ok=True)
        started: asyncio.Future[ForkedProcess] = asyncio.get_running_loop().create_future()
        connection.starting.append(started)
        connection.writer.write(json.dumps(request).encode() + b"\n")
        return await started

    async def open(self) -> None:
        """Start the fork server; it imports meanwhile."""
        await self._connected()

    async def close(self) -> None:
        """Stop the fork server, and with it all children."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.writer.close()
            await stop(self._program, connection.process)
        for task in self._reading:
            await task

    async def _connected(self) -> _Connection:
        async with self._connecting:
            if self._connection is None or self._connection.ended:
                self._connection = await self._connect()
            return self._connection

    async def _connect(self) -> _Connection:
        ours, theirs = socket.socketpair()
        with theirs:
            process = await spawn(self._program, stdin=theirs.fileno())
        reader, writer = await asyncio.open_connection(sock=ours, limit=LINE_BYTES_MAX)
        connection = _Connection(process, writer, deque(), {})
        task = asyncio.create_task(self._read(connection, reader), name="fork server")
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)
        return connection

    async def _read(self, connection: _Connection, reader: asyncio.StreamReader) -> None:
        """Take over what the fork server reports, until it ends; then its children have ended too."""
        with suppress(ConnectionError):
            while line := await reader.readline():
                self._note(connection, json.loads(line))
        connection.ended = True
        connection.writer.close()
        await connection.process.wait()
        for child in connection.running.values():
            child.end(-signal.SIGKILL)
        for started in connection.starting:
            if not started.done():
                started.set_exception(ChildDied(f"the fork server ended: {log_tail(self._program.log)}"))

    @staticmethod
    def _note(connection: _Connection, message: dict[str, int]) -> None:
        if "started" in message:
            child = ForkedProcess(message["started"])
            connection.running[child.pid] = child
            started = connection.starting.popleft()
            if started.cancelled():
                child.send_signal(signal.SIGKILL)  # nobody waits for it any more
            else:
                started.set_result(child)
        else:
            connection.running.pop(message["ended"]).end(message["code"])


async def _always() -> bool:
    return True


@asynccontextmanager
async def forked_processes(modules: Sequence[str], log: Path) -> AsyncIterator[ForkedProcesses]:
    """ForkedProcesses for the length of a block."""
    processes = ForkedProcesses(modules, log)
    try:
        await processes.open()
        yield processes
    finally:
        await processes.close()
