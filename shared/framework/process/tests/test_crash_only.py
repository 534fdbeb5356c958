"""Everything in a process runs, or nothing does."""

import asyncio
import os
import signal

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
