"""What a body may be: JSON, of bounded size and depth, holding nothing that a database or a sum chokes on."""

import asyncio
import json
import math
from typing import Any, NoReturn

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.framework.core.refusals import Refusal
from shared.framework.http.problem import problem_response
from shared.framework.http.refusals import (
    BodyIsNotJson,
    BodyIsNotStorable,
    BodyIsTooLarge,
    BodyIsTooSlow,
    MediaTypeIsUnsupported,
)

BODY_BYTES_MAX = 1024 * 1024
BODY_WITHIN_S = 30.0
DEPTH_MAX = 32
INT64 = range(-(2**63), 2**63)


class RequestBodyMiddleware:
    """Reads the body once, judges it, and hands it on whole."""

    def __init__(self, app: ASGIApp, bytes_max: int) -> None:
        """Bodies of at most `bytes_max` bytes for `app`."""
        self.app = app
        self.bytes_max = bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a bad body with a problem; the route never sees it."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        try:
            body = await read_body(scope, receive, self.bytes_max)
            if body:
                check_media_type(scope)
                check_json_values(body)
        except Refusal as refusal:
            return await problem_response(refusal, scope["path"])(scope, receive, send)
        return await self.app(scope, _again(body, receive), send)


async def read_body(scope: Scope, receive: Receive, bytes_max: int) -> bytes:
    """The whole body; BodyIsTooLarge as soon as it is announced or seen to be, BodyIsTooSlow after 30 s."""
    announced = dict(scope["headers"]).get(b"content-length", b"0")
    if announced.isdigit() and int(announced[:20]) > bytes_max:
        raise BodyIsTooLarge(f"at most {bytes_max} bytes")
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            return await _read(receive, bytes_max)
    except TimeoutError:
        raise BodyIsTooSlow(f"within {BODY_WITHIN_S:g} s") from None


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
    """MediaTypeIsUnsupported unless the body is said to be JSON and not coded."""
    headers = dict(scope["headers"])
    media_type = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
    if media_type != b"application/json" and not media_type.endswith(b"+json"):
        raise MediaTypeIsUnsupported(media_type.decode("latin-1") or "no content-type")
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise MediaTypeIsUnsupported("content-encoding is not accepted")


def check_json_values(body: bytes) -> None:
    """BodyIsNotJson for what is not JSON in UTF-8, BodyIsNotStorable for what nobody could store or count."""
    try:
        value = json.loads(body.decode(), parse_constant=_refuse_constant)
    except RecursionError:
        raise BodyIsNotStorable(f"nested deeper than {DEPTH_MAX}") from None
    except UnicodeDecodeError:
        raise BodyIsNotJson("not UTF-8") from None
    except json.JSONDecodeError as error:
        raise BodyIsNotJson(f"{error.msg} at byte {error.pos}") from None
    except ValueError:
        raise BodyIsNotStorable("a number with too many digits") from None
    _judge_values(value)


def _judge_values(root: Any) -> None:
    level, depth = [root], 0
    while level:
        if depth > DEPTH_MAX:
            raise BodyIsNotStorable(f"nested deeper than {DEPTH_MAX}")
        for value in level:
            _judge_scalar(value)
        level = [part for value in level for part in _parts(value)]
        depth += 1


def _parts(value: Any) -> list[Any]:
    match value:
        case dict():
            return [*value.keys(), *value.values()]
        case list():
            return value
        case _:
            return []


def _judge_scalar(value: Any) -> None:
    match value:
        case str() if "\0" in value:
            raise BodyIsNotStorable("a NUL character")
        case str() if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise BodyIsNotStorable("half a surrogate pair")
        case float() if not math.isfinite(value):
            raise BodyIsNotStorable("a number that is not finite")
        case int() if value not in INT64:
            raise BodyIsNotStorable("an integer of more than 64 bits")


def _refuse_constant(name: str) -> NoReturn:
    raise BodyIsNotStorable(f"{name} is not JSON")


def _again(body: bytes, receive: Receive) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again
