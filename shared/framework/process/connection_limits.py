"""Limits of a request's head (request line and headers): 64 KiB and 15 s. uvicorn has neither limit."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.framework.http.problem import problem_body, problem_headers
from shared.framework.http.refusals import HttpRefusal, RequestHeadIsTooLarge, RequestHeadIsTooSlow

HEAD_BYTES_MAX = 64 * 1024
HEAD_TIMEOUT_S = 15.0


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol that answers 431 or 408 to a head beyond the limits, and closes the connection."""

    _head_bytes = 0
    _in_head = False
    _timeout: asyncio.TimerHandle | None = None

    def on_message_begin(self) -> None:
        """Start the time-out of a head."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        self._timeout = self.loop.call_later(HEAD_TIMEOUT_S, self._refuse, RequestHeadIsTooSlow)

    def on_headers_complete(self) -> None:
        """End the head; RequestBodyMiddleware limits the body."""
        self._end_head()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Parse, then count the bytes of an unfinished head."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX:
                self._refuse(RequestHeadIsTooLarge)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the time-out."""
        self._end_head()
        super().connection_lost(exc)

    def _end_head(self) -> None:
        self._in_head = False
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
