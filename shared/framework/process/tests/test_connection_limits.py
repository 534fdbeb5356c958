"""A caller without a credential can hold neither memory nor a connection by never ending its head."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from shared.framework.process import connection_limits as bounded_head
from shared.framework.process.crash_only import serve
from shared.framework.testing.messaging_harness import eventually


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    await PlainTextResponse(f"read {len(body)}")(scope, receive, send)


class Door:
    """A port at which the app is served."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]

    async def is_open(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True

    async def say(self, *parts: bytes) -> bytes:
        """The answer to what is sent in these parts, until the server closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
            return await reader.read()
        finally:
            writer.close()


@asynccontextmanager
async def open_door() -> AsyncIterator[Door]:
    door = Door()
    serving = asyncio.create_task(serve(app, {}, host="127.0.0.1", port=door.port, grace_s=1))
    try:
        await eventually(door.is_open)
        yield door
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


ENDLESS = b"GET / HTTP/1.1\r\nX: ".ljust(bounded_head.HEAD_BYTES_MAX + 1, b"a")
"""One byte too many: what were sent beyond it would only reset the connection, and the answer with it."""


async def test_an_endless_head_is_refused() -> None:
    """As soon as it is too large, in words, and the connection is closed."""
    async with open_door() as door:
        answer = await door.say(ENDLESS)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b"request-head-too-large" in answer


async def test_a_head_that_does_not_come_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then is no reason to wait for ever."""
    monkeypatch.setattr(bounded_head, "HEAD_TIMEOUT_S", 0.05)
    async with open_door() as door:
        answer = await door.say(b"GET / HT")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"request-head-too-slow" in answer


async def test_a_long_head_and_a_long_body_are_served() -> None:
    """Only heads are counted, each for itself, however many come over one connection."""
    head = b"POST / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 50_000 + b"\r\nContent-Length: 200000\r\n"
    async with open_door() as door:
        answer = await door.say(
            head + b"\r\n", b"b" * 200_000, head + b"Connection: close\r\n\r\n", b"b" * 200_000
        )
    assert answer.count(b"read 200000") == 2
