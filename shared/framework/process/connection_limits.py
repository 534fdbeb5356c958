"""Limits of a connection: its head (64 KiB, 15 s), its silence, its slowness, and how many there are.

uvicorn limits none of them, but for the silence after a response. RequestBodyMiddleware limits the body.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.framework.http.problem import problem_body, problem_headers
from shared.framework.http.refusals import HttpRefusal, RequestHeadIsTooLarge, RequestHeadIsTooSlow

HEAD_BYTES_MAX = 64 * 1024
HEAD_TIMEOUT_S = 15.0
IDLE_MAX_S = 30.0
"""A connection without a request in progress is closed after so long, whatever it sent between requests."""
WRITE_TIMEOUT_S = 30.0
"""A client that takes nothing of its response for so long is disconnected."""
CONNECTIONS_MAX = 500
"""Of one process. One more takes the place of the one that is idle longest, or is closed if none is."""


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with limits: answers 431 or 408 to a head beyond them, and closes what is idle."""

    _head_bytes = 0
    _in_head = False
    _timeout: asyncio.TimerHandle | None = None
    _write_timeout: asyncio.TimerHandle | None = None
    _idle_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request, in the place of another connection if there are too many."""
        super().connection_made(transport)
        self._wait_for_request()
        if len(self.connections) > CONNECTIONS_MAX:
            self._idle_longest().transport.abort()

    def on_message_begin(self) -> None:
        """Start the time-out of a head."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        self._idle_since = None
        self._set_timeout(HEAD_TIMEOUT_S, self._refuse, RequestHeadIsTooSlow)

    def on_headers_complete(self) -> None:
        """End the head; RequestBodyMiddleware limits the body."""
        self._end_head()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request; the rest of an unread body must come within that time."""
        is_idle = not self.pipeline and not self._in_head
        super().on_response_complete()
        if is_idle and not self.transport.is_closing():
            self._wait_for_request()

    def data_received(self, data: bytes) -> None:
        """Parse, then count the bytes of an unfinished head."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX:
                self._refuse(RequestHeadIsTooLarge)

    def pause_writing(self) -> None:
        """Start the time-out of a client that does not read."""
        super().pause_writing()
        self._write_timeout = self.loop.call_later(WRITE_TIMEOUT_S, self.transport.abort)

    def resume_writing(self) -> None:
        """Cancel that time-out."""
        super().resume_writing()
        if self._write_timeout is not None:
            self._write_timeout.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the time-outs."""
        self._end_head()
        if self._write_timeout is not None:
            self._write_timeout.cancel()
        super().connection_lost(exc)

    def _wait_for_request(self) -> None:
        self._idle_since = self.loop.time()
        self._set_timeout(IDLE_MAX_S, self.transport.close)

    def _idle_longest(self) -> "LimitedProtocol":
        """The connection that has waited longest for a request; itself if no other one waits."""
        since = {one: one._idle_since for one in self.connections if isinstance(one, LimitedProtocol)}
        idle = {one: at for one, at in since.items() if at is not None and one is not self}
        return min(idle, key=idle.__getitem__, default=self)

    def _set_timeout(self, seconds: float, call: Any, *arguments: Any) -> None:
        if self._timeout is not None:
            self._timeout.cancel()
        self._timeout = self.loop.call_later(seconds, call, *arguments)

    def _end_head(self) -> None:
        self._in_head = False
        self._idle_since = None
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None

    def _refuse(self, refused: type[HttpRefusal]) -> None:
        self._end_head()
        if not self.transport.is_closing():
            self.transport.write(_response(refused()))
            self.transport.close()


def _response(refusal: HttpRefusal) -> bytes:
    body = problem_body(refusal, "")
    headers: dict[str, Any] = {
        **problem_headers(refusal),
        "content-length": len(body),
        "connection": "close",
    }
    lines = [f"HTTP/1.1 {refusal.status} Refused", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
