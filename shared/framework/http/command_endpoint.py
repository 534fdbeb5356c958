"""Commands over HTTP: the caller, the tenant's time, and one effect per idempotency key."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Header, Request, Response, params
from pydantic import BaseModel

from shared.framework.core.decider import Decider
from shared.framework.core.event import Metadata
from shared.framework.core.refusals import Refusal
from shared.framework.eventstore.records import CommitReceipt, IdempotencyKey, StoredResponse, TenantClock
from shared.framework.eventstore.unit_of_work import Session, UnitOfWork, metadata_at, transact
from shared.framework.http.authorization import Credential, credential_of, requires
from shared.framework.http.read_your_writes import (
    POSITION_HEADER,
    WAIT_MAX_S,
    format_tokens,
    position_tokens,
)
from shared.framework.http.request_body import JSON_IN_SCOPE, DecodedBodyRoute
from shared.framework.http.service_context import ServiceContext, service_context_of
from shared.framework.observability.logging import correlation_id
from shared.framework.observability.metrics import COMMANDS
from shared.framework.observability.tracing import current_traceparent

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
    """The key of a request, with hashes over its body as it was sent and as it was understood."""
    scope = request.scope
    canonical = _canonical(scope[JSON_IN_SCOPE]) if JSON_IN_SCOPE in scope else b""
    hashes = fingerprint(request, await request.body()), fingerprint(request, canonical)
    return IdempotencyKey(tenant_id, key, *hashes, service_context_of(request).ids.new("clm"))


def fingerprint(request: Request, body: bytes) -> bytes:
    """SHA-256 over method, path, query and body, each preceded by its length."""
    parts = (request.method.encode(), request.url.path.encode(), request.url.query.encode(), body)
    spelt = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return hashlib.sha256(spelt).digest()


_canonical = msgspec.json.Encoder(order="deterministic").encode
"""Decoded JSON as bytes: without spaces, keys sorted, each number as it was understood (1e2 as 100.0)."""


def as_response(answer: StoredResponse, *, replayed: bool) -> Response:
    """The HTTP response with the stored bytes; a replayed one has `Idempotency-Replayed: true`."""
    headers = {**answer.headers, REPLAYED_HEADER: "true"} if replayed else answer.headers
    return Response(answer.body, answer.status, headers)


S = TypeVar("S")
C = TypeVar("C")
R = TypeVar("R")

CommandHandler = Callable[[Session, C], Awaitable[R]]
"""`async def name(session, command) -> result`; called again after VersionConflict."""


@dataclass(frozen=True, slots=True)
class CommandContext:
    """The context of one command; `status`: of the response, from the route."""

    service: ServiceContext
    credential: Credential
    metadata: Metadata
    key: IdempotencyKey | None
    status: int

    @property
    def tenant_id(self) -> str:
        """The tenant of the command: the only one that it may access."""
        return self.credential.tenant_id

    @property
    def now(self) -> datetime:
        """The tenant's present time: of its test clock if it has one."""
        return self.metadata.occurred_at

    async def handle(
        self, decider: Decider[S, C, Any], stream_id: str, command: C, body: Callable[[S], BaseModel]
    ) -> Response:
        """Handle a command on one stream; `body` makes the response from the new state."""

        async def decide(session: Session, command: C) -> S:
            await session.handle(decider, stream_id, command)
            return await session.state(decider, stream_id)

        return await self.execute(decide, command, body)

    async def execute(
        self, handler: CommandHandler[C, R], command: C, body: Callable[[R], BaseModel]
    ) -> Response:
        """Run the handler once per key; `body` makes the response from its result.

        Events, key and response are committed together; the same request with the same key gets the same
        bytes with `Idempotency-Replayed: true`. After an exception the key is released. Raises KeyIsInFlight
        (409), KeyBelongsToAnotherRequest (422), and what the handler raises.
        """
        store, key = self.service.store, self.key
        stored = None if key is None else await store.claim(key, self.service.clock.now())
        if stored is not None:
            COMMANDS.labels("replayed").inc()
            return as_response(stored, replayed=True)
        try:
            response = await self._commit_with_references(handler, command, body)
        except Exception as error:
            COMMANDS.labels("refused" if isinstance(error, Refusal) else "failed").inc()
            if key is not None:
                # Deletes the key only if no response was committed under it.
                await store.release(key)
            raise
        COMMANDS.labels("done").inc()
        return as_response(response, replayed=False)

    async def _commit(
        self, handler: CommandHandler[C, R], command: C, body: Callable[[R], BaseModel]
    ) -> StoredResponse:
        async def attempt(unit: UnitOfWork) -> Callable[[CommitReceipt], StoredResponse]:
            session = unit.session(self.tenant_id, self.metadata)
            session.require_clock()
            result = await handler(session, command)
            content = body(result).model_dump_json().encode()
            response = cache(lambda receipt: self._response(content, receipt))
            if self.key is not None:
                unit.changes.response = (self.key, response)
            return response

        response, receipt = await transact(self.service.store, attempt)
        return response(receipt)

    async def _commit_with_references(
        self, handler: CommandHandler[C, R], command: C, body: Callable[[R], BaseModel]
    ) -> StoredResponse:
        """Decide once more if what the command refers to may be on its way from another context."""
        try:
            return await self._commit(handler, command, body)
        except Refusal as refusal:
            if refusal.reference_to is None:
                raise
            await self.service.waiter.catch_up(refusal.reference_to, WAIT_MAX_S)
        return await self._commit(handler, command, body)

    def _response(self, content: bytes, receipt: CommitReceipt) -> StoredResponse:
        headers = {"content-type": "application/json"}
        tokens = position_tokens(self.service.store.context, receipt, self.service.partitions)
        if tokens:
            headers[POSITION_HEADER] = format_tokens(tokens)
        return StoredResponse(self.status, headers, content)


async def _command_context(request: Request, given: str | None) -> CommandContext:
    service, credential = service_context_of(request), credential_of(request)
    key = None if given is None else await key_of(request, credential.tenant_id, given)
    cause = correlation_id() or service.ids.new("req")
    metadata = metadata_at(
        await _test_clock(service, credential.tenant_id, key),
        service.clock,
        correlation_id=cause,
        actor=credential.subject,
        causation_id=cause if key is None else key.key,
        traceparent=current_traceparent(),
    )
    return CommandContext(service, credential, metadata, key, request.scope["route"].status_code or 200)


async def _test_clock(
    service: ServiceContext, tenant_id: str, key: IdempotencyKey | None
) -> TenantClock | None:
    """The tenant's test clock, after the end of its advance; a command that is answered already never waits.

    Raises TestClockIsAdvancing.
    """
    test_clock = await service.store.test_clock(tenant_id)
    if test_clock is None or test_clock.target is None or await _has_response(service, key):
        return test_clock
    return await service.clock_waiter.wait(tenant_id, WAIT_MAX_S)


async def _has_response(service: ServiceContext, key: IdempotencyKey | None) -> bool:
    if key is None:
        return False
    answered = await service.store.claim(key, service.clock.now()) is not None
    if not answered:
        await service.store.release(key)
    return answered


# Not `key`: FastAPI would take that for the path parameter of a route such as /plans/{key}/retire.
async def _with_key(request: Request, idempotency_key: KeyHeader) -> CommandContext:
    return await _command_context(request, idempotency_key)


async def _key_optional(request: Request, idempotency_key: OptionalKeyHeader = None) -> CommandContext:
    return await _command_context(request, idempotency_key)


CommandDep = Annotated[CommandContext, Depends(_with_key)]
"""For commands: an Idempotency-Key is required."""

CommandDepKeyOptional = Annotated[CommandContext, Depends(_key_optional)]
"""For commands that are idempotent by themselves (PUT): a key is optional."""


def command_router(scope: str, *others: params.Depends, tags: list[str | Enum] | None = None) -> APIRouter:
    """A router under /v1 whose commands require this scope; `others`: more dependencies."""
    dependencies = [requires(scope), *others]
    return APIRouter(prefix="/v1", tags=tags, dependencies=dependencies, route_class=DecodedBodyRoute)
