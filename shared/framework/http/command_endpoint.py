"""Commands over HTTP: the caller, the tenant's now, and one effect and one response per Idempotency-Key."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Header, Request, Response, params
from pydantic import BaseModel

from shared.framework.core.decider import Decider
from shared.framework.core.event import Metadata
from shared.framework.core.refusals import Refusal
from shared.framework.eventstore.records import CommitReceipt, IdempotencyKey, StoredResponse
from shared.framework.eventstore.unit_of_work import Session, UnitOfWork, metadata_now, transact
from shared.framework.http.authorization import Credential, credential_of, requires
from shared.framework.http.read_your_writes import POSITION_HEADER, format_tokens, position_tokens
from shared.framework.http.request_body import DecodedBodyRoute
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


S = TypeVar("S")
C = TypeVar("C")
R = TypeVar("R")

CommandHandler = Callable[[Session, C], Awaitable[R]]
"""`async def name(session, command) -> result`: what a command does; run again if its streams have grown."""


@dataclass(frozen=True, slots=True)
class CommandContext:
    """One command of one caller; `status` is that of the route's answer."""

    service: ServiceContext
    credential: Credential
    metadata: Metadata
    key: IdempotencyKey | None
    status: int

    @property
    def tenant_id(self) -> str:
        """The only tenant that this command may touch."""
        return self.credential.tenant_id

    @property
    def now(self) -> datetime:
        """The present instant on the tenant's clock (a test clock, if it lives by one)."""
        return self.metadata.occurred_at

    async def handle(
        self, decider: Decider[S, C, Any], stream_id: str, command: C, body: Callable[[S], BaseModel]
    ) -> Response:
        """Handle a command that touches one stream; `body` makes the answer from the stream's new state."""

        async def decide(session: Session, command: C) -> S:
            await session.handle(decider, stream_id, command)
            return await session.state(decider, stream_id)

        return await self.execute(decide, command, body)

    async def execute(
        self, handler: CommandHandler[C, R], command: C, body: Callable[[R], BaseModel]
    ) -> Response:
        """Run the handler once per key; `body` makes the answer from its result.

        Events, the key and the answer are committed together; the same key with the same request later
        gets the same bytes with `Idempotency-Replayed: true`. A refusal gives the key back.
        Raises KeyIsInFlight (409), KeyBelongsToAnotherRequest (422) and whatever the handler refuses.
        """
        store, key = self.service.store, self.key
        stored = None if key is None else await store.claim(key, self.service.clock.now())
        if stored is not None:
            COMMANDS.labels("replayed").inc()
            return as_response(stored, replayed=True)
        try:
            answer = await self._commit(handler, command, body)
        except Exception as error:
            COMMANDS.labels("refused" if isinstance(error, Refusal) else "failed").inc()
            if key is not None:
                # Whatever went wrong, nothing was written under this key, or its answer stays: both are safe.
                await store.release(key)
            raise
        COMMANDS.labels("done").inc()
        return as_response(answer, replayed=False)

    async def _commit(
        self, handler: CommandHandler[C, R], command: C, body: Callable[[R], BaseModel]
    ) -> StoredResponse:
        async def attempt(unit: UnitOfWork) -> Callable[[CommitReceipt], StoredResponse]:
            result = await handler(unit.session(self.tenant_id, self.metadata), command)
            content = body(result).model_dump_json().encode()
            answer = cache(lambda receipt: self._answer(content, receipt))
            if self.key is not None:
                unit.changes.response = (self.key, answer)
            return answer

        answer, receipt = await transact(self.service.store, attempt)
        return answer(receipt)

    def _answer(self, content: bytes, receipt: CommitReceipt) -> StoredResponse:
        headers = {"content-type": "application/json"}
        marks = position_tokens(self.service.store.context, receipt, self.service.partitions)
        if marks:
            headers[POSITION_HEADER] = format_tokens(marks)
        return StoredResponse(self.status, headers, content)


async def _command_context(request: Request, given: str | None) -> CommandContext:
    service, credential = service_context_of(request), credential_of(request)
    key = None if given is None else await key_of(request, credential.tenant_id, given)
    cause = correlation_id() or service.ids.new("req")
    metadata = await metadata_now(
        service.store,
        service.clock,
        credential.tenant_id,
        correlation_id=cause,
        actor=credential.subject,
        causation_id=cause if key is None else key.key,
        traceparent=current_traceparent(),
    )
    return CommandContext(service, credential, metadata, key, request.scope["route"].status_code or 200)


async def _with_key(request: Request, key: KeyHeader) -> CommandContext:
    return await _command_context(request, key)


async def _key_optional(request: Request, key: OptionalKeyHeader = None) -> CommandContext:
    return await _command_context(request, key)


CommandDep = Annotated[CommandContext, Depends(_with_key)]
"""For commands: an Idempotency-Key is required."""

CommandDepKeyOptional = Annotated[CommandContext, Depends(_key_optional)]
"""For what is idempotent by itself (PUT): a key is heeded if it is given."""


def command_router(scope: str, *others: params.Depends, tags: list[str | Enum] | None = None) -> APIRouter:
    """A router under /v1 whose commands all demand this scope, and what the other dependencies demand."""
    demanded = [requires(scope), *others]
    return APIRouter(prefix="/v1", tags=tags, dependencies=demanded, route_class=DecodedBodyRoute)
