"""A caller without a credential can hold neither memory nor a connection by saying nothing, or little."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from shared.framework.process import connection_limits as limits
from shared.framework.process.crash_only import serve
from shared.framework.testing.messaging_harness import eventually


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == "/no":
        return await PlainTextResponse("no")(scope, receive, send)
    if scope["path"] == "/much":
        return await PlainTextResponse("x" * 50_000_000)(scope, receive, send)
    body = await Request(scope, receive).body()
    return await PlainTextResponse(f"read {len(body)}")(scope, receive, send)


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


ENDLESS = b"GET / HTTP/1.1\r\nX: ".ljust(limits.HEAD_BYTES_MAX + 1, b"a")
"""One byte too many: what were sent beyond it would only reset the connection, and the answer with it."""


async def test_an_endless_head_is_refused() -> None:
    """As soon as it is too large, in words, and the connection is closed."""
    async with open_door() as door:
        answer = await door.say(ENDLESS)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b"request-head-too-large" in answer


async def test_a_head_that_does_not_come_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then is no reason to wait for ever."""
    monkeypatch.setattr(limits, "HEAD_TIMEOUT_S", 0.05)
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


REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
CASES = {
    "nothing": [],
    "line ends only": [b"\r\n"] * 60,
    "line ends after a request": [REQUEST, *[b"\r\n"] * 60],
    "a body that nobody wants": [
        b"POST /no HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n",
        *[b"x"] * 60,
    ],
}


@pytest.mark.parametrize("parts", CASES.values(), ids=CASES.keys())
async def test_silence_and_little_by_little_are_ended(
    parts: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From connecting or from the last response on, whatever comes in between that is no request."""
    monkeypatch.setattr(limits, "IDLE_MAX_S", 0.2)
    async with open_door() as door, asyncio.timeout(5):
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        closed = asyncio.create_task(reader.read())
        for part in parts:
            if not closed.done():
                writer.write(part)
                await asyncio.wait({closed}, timeout=0.05)
        await asyncio.wait({closed})
        assert closed.done()
        writer.close()


async def test_a_client_that_does_not_read_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else its response would stay in memory for as long as it likes."""
    monkeypatch.setattr(limits, "WRITE_TIMEOUT_S", 0.2)
    async with open_door() as door, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port, limit=1024)
        writer.write(REQUEST.replace(b"GET /", b"GET /much"))
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"content-length: 50000000" in head
        await asyncio.sleep(1)  # the client does something else than reading
        taken = 0
        with contextlib.suppress(ConnectionResetError):
            while part := await reader.read(1_000_000):
                taken += len(part)
        assert taken < 50_000_000
        writer.close()


async def test_a_request_that_takes_its_time_is_not_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only waiting for a request is."""
    monkeypatch.setattr(limits, "IDLE_MAX_S", 0.1)
    async with open_door() as door:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.3)
        writer.write(b"ab")
        assert b"read 2" in await reader.readuntil(b"read 2")
        writer.close()


async def test_connections_that_say_nothing_make_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that is idle longest ends; one with a request in progress does not."""
    monkeypatch.setattr(limits, "CONNECTIONS_MAX", 5)
    async with open_door() as door, asyncio.timeout(10):
        busy_reader, busy_writer = await asyncio.open_connection("127.0.0.1", door.port)
        busy_writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n")
        silent = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(8)]
        answers = [await door.say(REQUEST.replace(b"Host", b"Connection: close\r\nHost")) for _ in range(5)]
        assert all(b"read 0" in answer for answer in answers)
        with contextlib.suppress(ConnectionResetError):
            assert await silent[0][0].read() == b""
        busy_writer.write(b"ab")
        assert b"read 2" in await busy_reader.readuntil(b"read 2")
        for _, writer in [*silent, (busy_reader, busy_writer)]:
            writer.close()
