"""A tiny context for tests of the transport: one stream per thing, one event per command."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal

import httpx2
from fastapi import APIRouter, FastAPI, Response
from starlette.types import ASGIApp

from shared.framework.core.refusals import Refusal, RefusalKind
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.unit_of_work import Session
from shared.framework.http.app import create_app
from shared.framework.http.authorization import Caller, Role, requires
from shared.framework.http.command_endpoint import CommandDep, CommandDepKeyOptional
from shared.framework.http.field_types import (
    ApiModel,
    CurrencyCode,
    DecimalAmount,
    Identifier,
    Instant,
    MinorUnits,
    ShortText,
)
from shared.framework.http.health import ReadinessCheck
from shared.framework.http.read_your_writes import ClockWaiter, PositionWaiter
from shared.framework.http.request_body import DecodedBodyRoute
from shared.framework.testing.fakes import FakeAuthenticator, FakeClock, SequentialIds, caller
from shared.framework.testing.store_examples import EXAMPLES, NoteTaken

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class ThingIsCursed(Refusal):
    """Nobody may make such a thing."""

    code = "thing-is-cursed"
    kind = RefusalKind.CONFLICT


class Line(ApiModel):
    minor: MinorUnits


class NewThing(ApiModel):
    name: ShortText
    price: DecimalAmount = Decimal(0)
    currency: CurrencyCode = "USD"
    at: Instant = NOON
    lines: list[Line] | None = None


class Thing(ApiModel):
    id: str
    seen_at: Instant


class Hooks:
    """What a test may do in the middle of a command."""

    def __init__(self) -> None:
        self.before_commit: Callable[[], Awaitable[None]] = self.nothing
        self.effects = 0

    async def nothing(self) -> None:
        await asyncio.sleep(0)


def things(hooks: Hooks) -> APIRouter:
    """POST makes, PUT needs no key, GET reads, and two ways to fail."""
    router = APIRouter(prefix="/v1", route_class=DecodedBodyRoute)

    async def make(session: Session, thing_id: str) -> Thing:
        version = await session.version(thing_id)
        event = NoteTaken(text=thing_id, taken_at=session.now)
        session.append(thing_id, version, [event])
        await hooks.before_commit()
        hooks.effects += 1
        return Thing(id=thing_id, seen_at=session.now)

    @router.post(
        "/things/{thing_id}", dependencies=[requires("things:write")], response_model=Thing, status_code=201
    )
    async def post_thing(thing_id: Identifier, body: NewThing, ctx: CommandDep) -> Response:
        if body.name == "cursed":
            raise ThingIsCursed(thing_id)
        return await ctx.execute(make, thing_id, lambda thing: thing)

    @router.put("/things/{thing_id}", dependencies=[requires("things:write")], response_model=Thing)
    async def put_thing(thing_id: Identifier, ctx: CommandDepKeyOptional) -> Response:
        return await ctx.execute(make, thing_id, lambda thing: thing)

    @router.get("/things", dependencies=[requires("things:read")])
    async def get_things(caller: Caller) -> dict[str, str]:
        return {"tenant": caller.tenant_id}

    @router.get("/secret-failure", dependencies=[requires("things:read")])
    async def fail() -> None:
        raise RuntimeError("password=hunter2")

    @router.get("/away", dependencies=[requires("things:read")])
    async def be_away() -> None:
        raise ConnectionRefusedError("postgres://u:p@host")

    @router.get("/everything", dependencies=[requires("feed:read", every_tenant=True)])
    async def get_everything(caller: Caller) -> dict[str, str]:
        return {"tenant": caller.tenant_id}

    return router


CALLERS = {
    "writer": caller("acme", "things:write", "things:read"),
    "reader": caller("acme", "things:read"),
    "stranger": caller("other", "things:write"),
    "nobody": caller("acme"),
    "house": caller("*", "feed:read", "things:read", role=Role.SERVICE),
    "tenant-service": caller("acme", "feed:read", role=Role.SERVICE),
}


class Setting:
    """One context under test: its parts, and a client."""

    def __init__(
        self,
        *,
        store: MemoryEventStore | None = None,
        waiter: PositionWaiter | None = None,
        clock_waiter: ClockWaiter | None = None,
        checks: Mapping[str, ReadinessCheck] | None = None,
        raw: Mapping[str, ASGIApp] | None = None,
    ) -> None:
        self.clock = FakeClock(NOON)
        self.store = store or MemoryEventStore("subscriptions", self.clock, EXAMPLES)
        self.hooks = Hooks()
        self.app: FastAPI = create_app(
            "subscriptions",
            [things(self.hooks)],
            store=self.store,
            clock=self.clock,
            ids=SequentialIds(),
            authenticator=FakeAuthenticator(CALLERS),
            partitions=4,
            waiter=waiter,
            clock_waiter=clock_waiter,
            checks=checks,
            raw=raw,
        )
        self.client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(self.app), base_url="http://tollhouse.test"
        )

    async def post(
        self, thing_id: str = "t1", *, key: str | None = "k1", who: str = "writer", **more: object
    ) -> httpx2.Response:
        headers = {"authorization": f"Bearer {who}"} | ({} if key is None else {"idempotency-key": key})
        return await self.client.post(f"/v1/things/{thing_id}", headers=headers, json={"name": "x"} | more)

    async def send(self, body: bytes, **headers: str) -> httpx2.Response:
        """Post raw bytes."""
        defaults = {
            "authorization": "Bearer writer",
            "idempotency-key": "k",
            "content-type": "application/json",
        }
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post("/v1/things/t1", content=body, headers=defaults | given)

    async def get(self, path: str, who: str = "writer", **headers: str) -> httpx2.Response:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.get(path, headers={"authorization": f"Bearer {who}"} | given)
