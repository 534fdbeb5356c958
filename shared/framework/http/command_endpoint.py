"""The desk where a command is taken: who asks, when it is for them, and one effect per idempotency key."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeVar

from fastapi import Depends, Request, Response
from pydantic import BaseModel

from shared.framework.core.event import Metadata
from shared.framework.core.refusals import Refusal
from shared.framework.eventstore.port import CommitReceipt, IdempotencyKey, StoredResponse
from shared.framework.eventstore.unit_of_work import Session, UnitOfWork, transact
from shared.framework.http.authorization import credential_of
from shared.framework.http.credential import Credential
from shared.framework.http.idempotency import KeyHeader, OptionalKeyHeader, as_response, key_of
from shared.framework.http.read_your_writes import POSITION_HEADER, format_tokens, position_tokens
from shared.framework.http.service_context import ServiceContext, service_context_of
from shared.framework.observability.logging import correlation_id
from shared.framework.observability.metrics import COMMANDS
from shared.framework.observability.tracing import current_traceparent

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CommandContext:
    """One command of one caller. `now` is the moment on the tenant's own clock."""

    house: ServiceContext
    credential: Credential
    metadata: Metadata
    key: IdempotencyKey | None

    @property
    def tenant_id(self) -> str:
        """The only tenant that this command may touch."""
        return self.credential.tenant_id

    @property
    def now(self) -> datetime:
        """The present instant on the tenant's clock (a test clock, if it lives by one)."""
        return self.metadata.occurred_at

    async def execute(
        self, work: Callable[[Session], Awaitable[T]], answer: Callable[[T], BaseModel], status: int = 201
    ) -> Response:
        """Do the work once per key and answer with what came of it.

        Events, the key and the answer are committed together; the same key with the same request later
        gets the same bytes with `Idempotency-Replayed: true`. A refusal gives the key back.
        Raises KeyIsInFlight (409), KeyBelongsToAnotherRequest (422) and whatever the work refuses.
        """
        if self.key is None:
            return as_response(await self._commit(work, answer, status), replayed=False)
        stored = await self.house.store.claim(self.key, self.house.clock.now())
        if stored is not None:
            COMMANDS.labels("replayed").inc()
            return as_response(stored, replayed=True)
        try:
            return as_response(await self._commit(work, answer, status), replayed=False)
        except Exception:
            # Whatever went wrong, nothing was written under this key, or its answer stays: both are safe.
            await self.house.store.release(self.key)
            raise

    async def _commit(
        self, work: Callable[[Session], Awaitable[T]], answer: Callable[[T], BaseModel], status: int
    ) -> StoredResponse:
        async def attempt(unit: UnitOfWork) -> bytes:
            result = await work(unit.session(self.tenant_id, self.metadata))
            body = answer(result).model_dump_json().encode()
            if self.key is not None:
                unit.changes.answer = (self.key, lambda receipt: self._answer(status, body, receipt))
            return body

        with _count_outcome():
            body, receipt = await transact(self.house.store, attempt)
        return self._answer(status, body, receipt)

    def _answer(self, status: int, body: bytes, receipt: CommitReceipt) -> StoredResponse:
        headers = {"content-type": "application/json"}
        marks = position_tokens(self.house.store.context, receipt, self.house.partitions)
        if marks:
            headers[POSITION_HEADER] = format_tokens(marks)
        return StoredResponse(status, headers, body)


@contextmanager
def _count_outcome() -> Iterator[None]:
    try:
        yield
    except Refusal:
        COMMANDS.labels("refused").inc()
        raise
    except Exception:
        COMMANDS.labels("failed").inc()
        raise
    COMMANDS.labels("done").inc()


async def _command_context(request: Request, given: str | None) -> CommandContext:
    house, credential = service_context_of(request), credential_of(request)
    key = None if given is None else await key_of(request, credential.tenant_id, given)
    test_clock = await house.store.test_clock_now(credential.tenant_id)
    cause = correlation_id() or house.ids.new("req")
    metadata = Metadata(
        correlation_id=cause,
        actor=credential.subject,
        occurred_at=house.clock.now() if test_clock is None else test_clock,
        causation_id=cause if key is None else key.key,
        traceparent=current_traceparent(),
        test_clock=test_clock is not None,
    )
    return CommandContext(house, credential, metadata, key)


async def _desk_with_key(request: Request, key: KeyHeader) -> CommandContext:
    return await _command_context(request, key)


async def _desk_key_optional(request: Request, key: OptionalKeyHeader = None) -> CommandContext:
    return await _command_context(request, key)


CommandDep = Annotated[CommandContext, Depends(_desk_with_key)]
"""For commands: an Idempotency-Key is required."""

CommandDepKeyOptional = Annotated[CommandContext, Depends(_desk_key_optional)]
"""For what is idempotent by itself (PUT): a key is heeded if it is given."""
