"""Request heads: path and query are printable text, and headers that have one value are given once."""

from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote

from starlette.types import ASGIApp, Receive, Scope, Send

from shared.framework.core.refusals import Refusal
from shared.framework.core.text import flaw_of_identifier
from shared.framework.http.problem import FieldError, problem_response
from shared.framework.http.refusals import HeaderIsRepeated, TextIsNotPrintable

SINGLE_HEADERS = frozenset({b"idempotency-key", b"content-type", b"content-encoding", b"content-length"})
"""Headers with one value. Of two lines a proxy may see the first and this process the last.

Authorization is checked by authentication.py (401); Tollhouse-Wait-For is a list, and may have several lines.
"""


class RequestHeadMiddleware:
    """Answers 400 to a repeated header, or a path or query with text that can neither be seen nor stored."""

    def __init__(self, app: ASGIApp) -> None:
        """`app`: the next layer."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the head of a request, or call the next layer."""
        if scope["type"] == "http":
            try:
                _check_single(scope)
            except Refusal as refusal:
                return await problem_response(refusal, scope["path"])(scope, receive, send)
            if errors := list(_flaws(scope)):
                refused = TextIsNotPrintable("see errors")
                return await problem_response(refused, scope["path"], errors)(scope, receive, send)
        return await self.app(scope, receive, send)


def _check_single(scope: Scope) -> None:
    names = [name for name, _ in scope["headers"] if name in SINGLE_HEADERS]
    if len(names) > 1 and (repeated := {name.decode() for name in names if names.count(name) > 1}):
        raise HeaderIsRepeated(", ".join(sorted(repeated)))


def _flaws(scope: Scope) -> Iterator[FieldError]:
    """An error for the path, and for each query parameter that is no printable text."""
    path: str = scope["path"]
    if not (path.isascii() and path.isprintable()) and (flaw := flaw_of_identifier(path)):
        yield FieldError("/path", flaw)
    query: bytes = scope["query_string"]
    if b"%" not in query and query.isascii():
        return
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if flaw := flaw_of_identifier(name) or flaw_of_identifier(value):
            yield FieldError(f"/query/{ascii(unquote(name))[1:-1]}", flaw)
