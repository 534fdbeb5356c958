"""Request bodies: JSON of bounded size and depth, without values that cannot be stored or added up.

The middleware decodes a body once; FastAPI validates the decoded value.
"""

import asyncio
import json
import math
import re
import zlib
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.framework.core.refusals import Refusal
from shared.framework.http.problem import problem_response
from shared.framework.http.refusals import (
    BodyIsNotGzip,
    BodyIsNotJson,
    BodyIsNotStorable,
    BodyIsTooLarge,
    BodyIsTooSlow,
    KeyIsRepeated,
    MediaTypeIsUnsupported,
)

BODY_BYTES_MAX = 1024 * 1024
BODY_TIMEOUT_S = 30.0
DEPTH_MAX = 32
CODINGS = frozenset({b"identity", b"gzip"})
GZIP_WBITS = 31
"""Of zlib: the largest window, with the header and trailer of gzip."""
INT64 = range(-(2**63), 2**63)
INT64_DIGITS_MAX = 20
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
JSON_IN_SCOPE = "tollhouse.json"
"""Key of the decoded body in the ASGI scope."""


class RequestBodyMiddleware:
    """Reads and decodes the body; the next layers get both."""

    def __init__(self, app: ASGIApp, bytes_max: int) -> None:
        """`app`: the next layer; `bytes_max`: the largest body."""
        self.app = app
        self.bytes_max = bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an invalid body with a problem, or call the next layer."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        try:
            body = await read_body(scope, receive, self.bytes_max)
            if body:
                check_media_type(scope)
                scope[JSON_IN_SCOPE] = decoded(body)
        except Refusal as refusal:
            return await problem_response(refusal, scope["path"])(scope, receive, send)
        return await self.app(scope, _replay(body, receive), send)


async def read_body(scope: Scope, receive: Receive, bytes_max: int) -> bytes:
    """The whole body without its content coding, which may be gzip; `bytes_max` bounds it with and without.

    Raises BodyIsTooLarge, also by Content-Length, BodyIsTooSlow, BodyIsNotGzip, MediaTypeIsUnsupported.
    """
    headers = dict(scope["headers"])
    announced = headers.get(b"content-length", b"0")
    if announced.isdigit() and int(announced[:20]) > bytes_max:
        raise BodyIsTooLarge(f"at most {bytes_max} bytes")
    coding = headers.get(b"content-encoding", b"identity").strip().lower()
    if coding not in CODINGS:
        raise MediaTypeIsUnsupported("a content-encoding other than gzip is not accepted")
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            body = await _read(receive, bytes_max)
    except TimeoutError:
        raise BodyIsTooSlow(f"within {BODY_TIMEOUT_S:g} s") from None
    return body if coding == b"identity" else _unzipped(body, bytes_max)


def _unzipped(body: bytes, bytes_max: int) -> bytes:
    """The content of one gzip member, of at most `bytes_max`: no more is unpacked of one that is larger."""
    member = zlib.decompressobj(wbits=GZIP_WBITS)
    try:
        content = member.decompress(body, bytes_max + 1)
    except zlib.error:
        raise BodyIsNotGzip("invalid data") from None
    if len(content) > bytes_max:
        raise BodyIsTooLarge(f"at most {bytes_max} bytes, also without gzip")
    if not member.eof or member.unused_data:
        raise BodyIsNotGzip("exactly one member is accepted, whole")
    return content


async def _read(receive: Receive, bytes_max: int) -> bytes:
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BodyIsNotJson("the client disconnected")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > bytes_max:
            raise BodyIsTooLarge(f"at most {bytes_max} bytes")
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def check_media_type(scope: Scope) -> None:
    """Raise MediaTypeIsUnsupported unless the headers say JSON."""
    headers = dict(scope["headers"])
    media_type = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
    if media_type != b"application/json" and not media_type.endswith(b"+json"):
        raise MediaTypeIsUnsupported(media_type.decode("latin-1") or "no content-type")


def decoded(body: bytes) -> Any:
    """The JSON value of a body. Raises BodyIsNotJson, BodyIsNotStorable, KeyIsRepeated."""
    try:
        text = body.decode()
        value = _decode(text)
        # NUL and unpaired surrogates are possible only as escapes: JSON and UTF-8 forbid them unescaped.
        if "\\u" in text or text.count("[") + text.count("{") > DEPTH_MAX:
            _check_values(value)
    except RecursionError:
        raise BodyIsNotStorable(f"nested deeper than {DEPTH_MAX}") from None
    except UnicodeDecodeError:
        raise BodyIsNotJson("not UTF-8") from None
    except json.JSONDecodeError as error:
        raise BodyIsNotJson(f"{error.msg} at byte {error.pos}") from None
    return value


def _integer(digits: str) -> int:
    if len(digits) > INT64_DIGITS_MAX or int(digits) not in INT64:
        raise BodyIsNotStorable("an integer of more than 64 bits")
    return int(digits)


def _finite(digits: str) -> float:
    if not math.isfinite(number := float(digits)):
        raise BodyIsNotStorable("a number that is not finite")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise BodyIsNotStorable(f"{name} is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise KeyIsRepeated("each key of an object is given once")
    return value


_decode = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_float=_finite,
    parse_constant=_refuse_constant,
).decode


def _check_values(root: Any) -> None:
    level = [root]
    for _ in range(DEPTH_MAX + 1):
        for text in level:
            if isinstance(text, str) and (found := _UNSTORABLE.search(text)):
                raise BodyIsNotStorable("a NUL character" if found[0] == "\0" else "half a surrogate pair")
        level = [part for value in level if isinstance(value, dict | list) for part in _parts(value)]
        if not level:
            return
    raise BodyIsNotStorable(f"nested deeper than {DEPTH_MAX}")


def _parts(value: dict[str, Any] | list[Any]) -> list[Any]:
    return [*value, *value.values()] if isinstance(value, dict) else value


class DecodedBodyRoute(APIRoute):
    """A route that gives FastAPI the body decoded by the middleware; the `route_class` of all routers."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of FastAPI, called with the decoded request."""
        handle = super().get_route_handler()

        async def handle_decoded(request: Request) -> Response:
            return await handle(_DecodedRequest(request.scope, request.receive))

        return handle_decoded


class _DecodedRequest(Request):
    async def json(self) -> Any:
        return self.scope[JSON_IN_SCOPE]


def _replay(body: bytes, receive: Receive) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_body() -> Message:
        return messages.pop() if messages else await receive()

    return receive_body
