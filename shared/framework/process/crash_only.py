"""Runs HTTP and the background tasks of a process; if one of them ends, the process ends."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Iterator, Mapping

import uvicorn
from starlette.types import ASGIApp

from shared.framework.process.connection_limits import LimitedProtocol
from shared.framework.process.service_definition import Task

STOPPING = (signal.SIGTERM, signal.SIGINT)

_log = logging.getLogger(__name__)


class LoopEnded(Exception):
    """A background task has ended; the log has the cause. The supervisor restarts the process."""


class _Server(uvicorn.Server):
    """Server without signal handlers: uvicorn would raise a signal again before everything is closed."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(
    app: ASGIApp,
    tasks: Mapping[str, Task],
    *,
    host: str,
    port: int,
    grace_s: float,
    shared_port: int | None = None,
) -> None:
    """Serve HTTP and run the tasks until SIGTERM or SIGINT; then requests have `grace_s` to end.

    `shared_port`: also served, by other processes too; the kernel gives each connection to one of them.
    Raises LoopEnded if a task ended.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=LimitedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=max(1, round(grace_s)),
    )
    server = _Server(config)
    with _stopped_by_signals(server):
        await _serve(server, tasks, grace_s, _sockets(host, port, shared_port))


def _sockets(host: str, port: int, shared_port: int | None) -> list[socket.socket] | None:
    """Both ports of a process that shares one; None: uvicorn opens the port."""
    if shared_port is None:
        return None
    return [socket.create_server((host, port)), socket.create_server((host, shared_port), reuse_port=True)]


async def _serve(
    server: uvicorn.Server,
    tasks: Mapping[str, Task],
    grace_s: float,
    sockets: list[socket.socket] | None,
) -> None:
    running = {asyncio.create_task(task()): name for name, task in tasks.items()}
    serving = asyncio.create_task(server.serve(sockets))
    ended, _ = await asyncio.wait({serving, *running}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await serving
    await _stop(running, grace_s)
    failed = [_describe_end(loop, running[loop]) for loop in ended if loop is not serving]
    if failed:
        raise LoopEnded(", ".join(failed))


@contextlib.contextmanager
def _stopped_by_signals(server: uvicorn.Server) -> Iterator[None]:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.should_exit = True

    for number in STOPPING:
        loop.add_signal_handler(number, stop)
    yield
    for number in STOPPING:
        loop.remove_signal_handler(number)


async def _stop(running: Mapping[asyncio.Task[None], str], grace_s: float) -> None:
    """Cancel the tasks; interrupted work is repeated by the next leader."""
    for loop in running:
        loop.cancel()
    if running:
        _, late = await asyncio.wait(running, timeout=grace_s)
        for loop in late:
            _log.error("a background task did not stop in time", extra={"task": running[loop]})


def _describe_end(loop: asyncio.Task[None], name: str) -> str:
    cause = None if loop.cancelled() else loop.exception()
    _log.critical("a background task ended", exc_info=cause, extra={"task": name})
    return name
