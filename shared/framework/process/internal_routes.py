"""Internal routes of each process, for Tollhouse's own services: feed, progress and dead letters."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from shared.framework.core.clock import Clock
from shared.framework.eventstore.ports import Store
from shared.framework.eventstore.records import BEYOND_ALL, DeadLetter
from shared.framework.http.authorization import requires
from shared.framework.http.refusals import RequestIsInvalid
from shared.framework.messaging.consumer import Consumer
from shared.framework.messaging.feed import heads_of
from shared.framework.messaging.tenant_progress import ProgressQuery, ProgressReporter
from shared.framework.timers.loop import unfinished_timers

FEED_LIMIT_MAX = 1000
PARTITIONS_MAX = 1024
DUE_COUNTED_MAX = 1000
TENANT_WAIT_MAX_S = 5.0

_query = msgspec.json.Decoder(ProgressQuery)

Number = Annotated[int, Query(ge=0, le=BEYOND_ALL)]
Partitions = Annotated[int | None, Query(ge=1, le=PARTITIONS_MAX)]


@dataclass(frozen=True, slots=True)
class InternalRoutesContext:
    """The parts of a process that these routes read."""

    store: Store
    clock: Clock
    partitions: int
    consumer: Consumer | None
    pending_work: Callable[[], Awaitable[int]] | None
    progress: ProgressReporter | None = None


def internal_routes(context: InternalRoutesContext) -> APIRouter:
    """The routes; they need a credential of role `service` for all tenants."""
    router = APIRouter(include_in_schema=False)
    _add_feed(router, context)
    _add_progress(router, context)
    _add_dead_letters(router, context)
    return router


def _add_feed(router: APIRouter, context: InternalRoutesContext) -> None:
    reads = [requires("feed:read", every_tenant=True)]

    @router.get("/feed", dependencies=reads)
    async def feed(
        partition: Number, after: Number = 0, limit: Number = FEED_LIMIT_MAX, partitions: Partitions = None
    ) -> Response:
        """Settled records of one partition in order; the reader gives the number of partitions."""
        count = partitions or context.partitions
        if partition >= count:
            raise RequestIsInvalid(f"partitions are numbered from 0 to {count - 1}")
        return _json(await context.store.feed(partition, count, after, min(limit, FEED_LIMIT_MAX)))

    @router.get("/feed/heads", dependencies=reads)
    async def heads(partitions: Partitions = None) -> Response:
        """The last settled position of every partition."""
        return _json(await heads_of(context.store, partitions or context.partitions))


def _add_progress(router: APIRouter, context: InternalRoutesContext) -> None:
    @router.get("/progress", dependencies=[requires("feed:read", every_tenant=True)])
    async def progress() -> Response:
        """Positions of this process, and its unfinished work."""
        due = await unfinished_timers(context.store, context.clock.now(), DUE_COUNTED_MAX)
        progress = {
            "context": context.store.context,
            "heads": await heads_of(context.store, context.partitions),
            "inbox": await _inbox_positions(context),
            "due_timers": due,
            "advancing_clocks": len(await context.store.advancing_tenants()),
            "pending_work": await context.pending_work() if context.pending_work else 0,
        }
        return _json(progress)

    if context.progress is None:
        return
    report = context.progress.report

    @router.post("/progress/tenant", dependencies=[requires("feed:read", every_tenant=True)])
    async def tenant_progress(request: Request) -> Response:
        """The progress of one tenant, after the waiting that the query asks for."""
        try:
            query = _query.decode(await request.body())
        except msgspec.MsgspecError as error:
            raise RequestIsInvalid(str(error)) from error
        return _json(await report(replace(query, wait_s=min(query.wait_s, TENANT_WAIT_MAX_S))))


def _add_dead_letters(router: APIRouter, context: InternalRoutesContext) -> None:
    @router.get("/dead-letters", dependencies=[requires("dlq:read", every_tenant=True)])
    async def dead_letters() -> Response:
        """Dead letters with their cause, and the later events of their streams."""
        return _json([_dead_letter(letter) for letter in await context.store.dead_letters()])

    @router.post("/dead-letters/replay", dependencies=[requires("dlq:write", every_tenant=True)])
    async def replay() -> Response:
        """Handle the dead letters again, in order; those that fail stay, and are returned."""
        if context.consumer is None:
            return _json({"handled": 0, "failing": []})
        result = await context.consumer.replay_dead_letters()
        return _json(
            {"handled": result.handled, "failing": [_dead_letter(letter) for letter in result.failing]}
        )


async def _inbox_positions(context: InternalRoutesContext) -> Mapping[str, Mapping[int, int]]:
    positions: dict[str, dict[int, int]] = {}
    if context.consumer is not None:
        stored = await context.store.inbox(context.consumer.name)
        for topic, number in context.consumer.inbox.positions():
            at = stored.get((topic, number))
            positions.setdefault(topic, {})[number] = at.position if at else 0
    return positions


def _dead_letter(letter: DeadLetter) -> dict[str, Any]:
    return {
        "consumer": letter.consumer,
        "topic": letter.topic,
        "partition": letter.partition,
        "cause": letter.cause,
        "record": letter.record,
    }


def _json(content: object) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")
