"""Everything in a process runs, or nothing does."""

import asyncio
import os
import signal
import socket

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from shared.framework.process.crash_only import LoopEnded, serve


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("nobody asks")


class Loop:
    """Runs until it is told to fail; remembers whether it was let go."""

    def __init__(self) -> None:
        self.began, self.fails, self.let_go = asyncio.Event(), asyncio.Event(), False

    async def __call__(self) -> None:
        self.began.set()
        try:
            await self.fails.wait()
        except asyncio.CancelledError:
            self.let_go = True
            raise
        raise ValueError("a defect")


async def test_a_loop_that_dies_takes_the_process_down() -> None:
    """Its neighbours are let go, and whoever keeps the process hears of it."""
    dying, living = Loop(), Loop()
    dying.fails.set()
    with pytest.raises(LoopEnded, match="relay"):
        await serve(app, {"relay": dying, "timers": living}, host="127.0.0.1", port=0, grace_s=5)
    assert living.let_go


async def test_a_signal_ends_everything_without_a_complaint() -> None:
    """SIGTERM is how a supervisor stops a process that is well."""
    loop = Loop()
    serving = asyncio.create_task(serve(app, {"relay": loop}, host="127.0.0.1", port=0, grace_s=5))
    await loop.began.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    await serving
    assert loop.let_go


async def answering(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


async def test_a_process_serves_its_own_port_and_one_that_others_serve_too() -> None:
    """Another process may open the shared port before it or after it; nobody may open its own."""
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as earlier:
        shared = earlier.getsockname()[1]
        with socket.create_server(("127.0.0.1", 0)) as free:
            own = free.getsockname()[1]
        loop = Loop()
        serving = asyncio.create_task(
            serve(answering, {"relay": loop}, host="127.0.0.1", port=own, grace_s=5, shared_port=shared)
        )
        await loop.began.wait()
        earlier.close()
        async with httpx2.AsyncClient(trust_env=False) as client:
            for port in (own, shared):
                assert (await client.get(f"http://127.0.0.1:{port}/")).status_code == 204
        socket.create_server(("127.0.0.1", shared), reuse_port=True).close()
        with pytest.raises(OSError, match="in use"):
            socket.create_server(("127.0.0.1", own))
    os.kill(os.getpid(), signal.SIGTERM)
    await serving
