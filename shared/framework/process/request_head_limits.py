"""Before a request is anybody's, it is already memory: its head is bounded in bytes and in time."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.framework.http.problem import problem_body, problem_headers
from shared.framework.http.refusals import HttpRefusal, RequestHeadIsTooLarge, RequestHeadIsTooSlow

HEAD_BYTES_MAX = 64 * 1024
HEAD_WITHIN_S = 15.0


class LimitedHeadProtocol(HttpToolsProtocol):
    """uvicorn's protocol bounds neither: here, who never ends a head is told so and cut off."""

    _head_bytes = 0
    _in_head = False
    _out_of_time: asyncio.TimerHandle | None = None

    def on_message_begin(self) -> None:
        """Another head begins."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        self._out_of_time = self.loop.call_later(HEAD_WITHIN_S, self._refuse, RequestHeadIsTooSlow)

    def on_headers_complete(self) -> None:
        """It is whole: what follows is bounded by whoever reads the body."""
        self._end_head()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Parse; what is still no whole head afterwards counts."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX:
                self._refuse(RequestHeadIsTooLarge)

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller hung up."""
        self._end_head()
        super().connection_lost(exc)

    def _end_head(self) -> None:
        self._in_head = False
        if self._out_of_time is not None:
            self._out_of_time.cancel()
            self._out_of_time = None

    def _refuse(self, refused: type[HttpRefusal]) -> None:
        self._end_head()
        if not self.transport.is_closing():
            self.transport.write(_answer(refused()))
            self.transport.close()


def _answer(refusal: HttpRefusal) -> bytes:
    body = problem_body(refusal, "")
    headers: dict[str, Any] = {
        **problem_headers(refusal),
        "content-length": len(body),
        "connection": "close",
    }
    lines = [f"HTTP/1.1 {refusal.status} Refused", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
