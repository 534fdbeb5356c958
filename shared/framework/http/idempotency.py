"""Idempotency-Key: from a request to the key that the store claims, from a stored answer to bytes."""

import hashlib
from typing import Annotated

from fastapi import Header
from starlette.requests import Request
from starlette.responses import Response

from shared.framework.eventstore.records import IdempotencyKey, StoredResponse

KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"


_HEADER = Header(
    alias=KEY_HEADER,
    pattern=r"^[\x21-\x7e]{1,255}$",
    description="Identifies this command; repeating it returns the first response and has no second effect.",
)
KeyHeader = Annotated[str, _HEADER]
OptionalKeyHeader = Annotated[str | None, _HEADER]


async def key_of(request: Request, tenant_id: str, key: str) -> IdempotencyKey:
    """The caller's key with a fingerprint over method, path, query and the raw body."""
    return IdempotencyKey(tenant_id, key, fingerprint(request, await request.body()))


def fingerprint(request: Request, body: bytes) -> bytes:
    """SHA-256 over what was asked; each part is preceded by its length, so no two share a spelling."""
    parts = (request.method.encode(), request.url.path.encode(), request.url.query.encode(), body)
    spelt = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return hashlib.sha256(spelt).digest()


def as_response(answer: StoredResponse, *, replayed: bool) -> Response:
    """The stored bytes; a replay says that it is one."""
    headers = {**answer.headers, REPLAYED_HEADER: "true"} if replayed else answer.headers
    return Response(answer.body, answer.status, headers)
