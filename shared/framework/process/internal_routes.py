"""What a process tells the house's own services: its history, how far it is, and its dead letters."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from starlette.responses import Response

from shared.framework.core.clock import Clock
from shared.framework.eventstore.ports import Store
from shared.framework.eventstore.records import DeadLetter
from shared.framework.http.authorization import requires
from shared.framework.http.refusals import RequestIsInvalid
from shared.framework.messaging.consumer import Consumer
from shared.framework.messaging.feed import heads_of
from shared.framework.timers.loop import unfinished_timers

FEED_LIMIT_MAX = 1000
PARTITIONS_MAX = 1024
DUE_COUNTED_MAX = 1000

Number = Annotated[int, Query(ge=0, le=2**62)]
Partitions = Annotated[int | None, Query(ge=1, le=PARTITIONS_MAX)]


@dataclass(frozen=True, slots=True)
class InternalRoutesContext:
    """The parts of a process that these routes look at."""

    store: Store
    clock: Clock
    partitions: int
    consumer: Consumer | None
    busy: Callable[[], Awaitable[int]] | None


def internal_routes(inside: InternalRoutesContext) -> APIRouter:
    """All of them, for credentials of every tenant only."""
    router = APIRouter(include_in_schema=False)
    _add_feed(router, inside)
    _add_progress(router, inside)
    _add_dead_letters(router, inside)
    return router


def _add_feed(router: APIRouter, inside: InternalRoutesContext) -> None:
    reads = [requires("feed:read", every_tenant=True)]

    @router.get("/feed", dependencies=reads)
    async def feed(
        partition: Number, after: Number = 0, limit: Number = FEED_LIMIT_MAX, partitions: Partitions = None
    ) -> Response:
        """Settled records of one partition in order, cut into as many partitions as the reader says."""
        count = partitions or inside.partitions
        if partition >= count:
            raise RequestIsInvalid(f"partitions are numbered from 0 to {count - 1}")
        return _json(await inside.store.feed(partition, count, after, min(limit, FEED_LIMIT_MAX)))

    @router.get("/feed/heads", dependencies=reads)
    async def heads(partitions: Partitions = None) -> Response:
        """The last settled position of every partition."""
        return _json(await heads_of(inside.store, partitions or inside.partitions))


def _add_progress(router: APIRouter, inside: InternalRoutesContext) -> None:
    @router.get("/progress", dependencies=[requires("feed:read", every_tenant=True)])
    async def progress() -> Response:
        """How far this process has come, and what it still has to do."""
        due = await unfinished_timers(inside.store, inside.clock.now(), DUE_COUNTED_MAX)
        told = {
            "context": inside.store.context,
            "heads": await heads_of(inside.store, inside.partitions),
            "inbox": await _marks(inside),
            "due_timers": due,
            "pending_work": await inside.busy() if inside.busy else 0,
        }
        return _json(told)


def _add_dead_letters(router: APIRouter, inside: InternalRoutesContext) -> None:
    @router.get("/dead-letters", dependencies=[requires("dlq:read", every_tenant=True)])
    async def dead_letters() -> Response:
        """What could not be handled, with its cause, and what waits behind it."""
        return _json([_letter(parked) for parked in await inside.store.dead_letters()])

    @router.post("/dead-letters/replay", dependencies=[requires("dlq:write", every_tenant=True)])
    async def replay() -> Response:
        """Handle them again, in order; those that still fail stay, with their new cause."""
        if inside.consumer is None:
            return _json({"handled": 0, "failing": []})
        replay = await inside.consumer.replay_dead_letters()
        return _json({"handled": replay.handled, "failing": [_letter(parked) for parked in replay.failing]})


async def _marks(inside: InternalRoutesContext) -> Mapping[str, Mapping[int, int]]:
    marks: dict[str, dict[int, int]] = {}
    if inside.consumer is not None:
        stored = await inside.store.inbox(inside.consumer.name)
        for topic, number in inside.consumer.inbox.positions():
            mark = stored.get((topic, number))
            marks.setdefault(topic, {})[number] = mark.position if mark else 0
    return marks


def _letter(parked: DeadLetter) -> dict[str, Any]:
    return {
        "consumer": parked.consumer,
        "topic": parked.topic,
        "partition": parked.partition,
        "cause": parked.cause,
        "record": parked.record,
    }


def _json(told: object) -> Response:
    return Response(msgspec.json.encode(told), media_type="application/json")
