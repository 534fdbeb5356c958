"""Request and response bodies of test clocks, and their routes."""

from contextlib import suppress
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from services.subscriptions.test_clocks.decider import (
    AdvanceTestClock,
    AdvancingClock,
    FrozenClock,
    StartTestClock,
    TestClockState,
)
from services.subscriptions.test_clocks.handlers import set_test_clock
from services.subscriptions.test_clocks.leaps import Leaps
from shared.framework.core.refusals import Refusal, RefusalKind
from shared.framework.eventstore.ports import TestClockIsAdvancing
from shared.framework.http.authorization import Caller, Role, requires
from shared.framework.http.command_endpoint import CommandDep, command_router
from shared.framework.http.field_types import ApiModel, Instant
from shared.framework.http.read_your_writes import POSITION_HEADER, WAIT_MAX_S, parse_tokens
from shared.framework.http.service_context import service_context_of


class TestClockNeedsAnAdmin(Refusal):
    """Only the role billing_admin may change a tenant's test clock."""

    __test__ = False
    code = "test-clock-needs-admin"
    kind = RefusalKind.FORBIDDEN


class NoTestClockFound(Refusal):
    """This tenant has no test clock; its time is that of the system."""

    code = "test-clock-unknown"
    kind = RefusalKind.NOT_FOUND


class TestClockStart(ApiModel):
    """The instant at which the tenant's test clock starts."""

    now: Instant


class TestClockAdvance(ApiModel):
    """The instant to advance the tenant's test clock to."""

    to: Instant


class TestClockResponse(ApiModel):
    """The tenant's test clock: its present instant, and its target, which differ while it is advancing."""

    now: Instant
    target: Instant
    state: Literal["advancing", "ready"]


class TestClockStatus(TestClockResponse):
    """`waiting_for`: what an advance is waiting for. `overdue`: by context, failing timers it left behind."""

    waiting_for: list[str]
    overdue: dict[str, int]


def response_of(state: TestClockState) -> TestClockResponse:
    """The response for a state. Raises NoTestClockFound."""
    match state:
        case AdvancingClock(now=now, target=target):
            return TestClockResponse(now=now, target=target, state="advancing")
        case FrozenClock(now=now):
            return TestClockResponse(now=now, target=now, state="ready")
    raise NoTestClockFound


async def require_billing_admin(caller: Caller) -> None:
    """Require the role billing_admin: moving a tenant's clock bills it. Raises TestClockNeedsAnAdmin."""
    if caller.role is not Role.BILLING_ADMIN:
        raise TestClockNeedsAnAdmin(caller.role)


def clock_routers(leaps: Leaps) -> list[APIRouter]:
    """The commands on test clocks, and the route that reads one."""
    return [_commands(leaps), _reads(leaps)]


def _commands(leaps: Leaps) -> APIRouter:
    router = command_router("clocks:write", Depends(require_billing_admin), tags=["test-clock"])

    @router.post("/test-clock", status_code=201, response_model=TestClockResponse)
    async def post_test_clock(body: TestClockStart, ctx: CommandDep) -> Response:
        """Start a test clock for this tenant, for tests and demonstrations; it cannot be removed."""
        response = await ctx.execute(set_test_clock, StartTestClock(now=body.now), response_of)
        return await _followed(leaps, ctx.tenant_id, response)

    @router.post("/test-clock/advance", response_model=TestClockResponse)
    async def post_test_clock_advance(body: TestClockAdvance, ctx: CommandDep) -> Response:
        """Let the test clock advance from due time to due time; commands wait until it is ready."""
        response = await ctx.execute(set_test_clock, AdvanceTestClock(to=body.to), response_of)
        return await _followed(leaps, ctx.tenant_id, response)

    return router


def _reads(leaps: Leaps) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["test-clock"], dependencies=[requires("clocks:read")])

    @router.get("/test-clock", response_model=TestClockStatus)
    async def get_test_clock(
        caller: Caller, request: Request, wait_s: Annotated[float, Query(ge=0, le=WAIT_MAX_S)] = 0
    ) -> TestClockStatus:
        """The tenant's test clock, as soon as it is ready or `wait_s` seconds have passed."""
        with suppress(TestClockIsAdvancing):
            await service_context_of(request).clock_waiter.wait(caller.tenant_id, wait_s)
        state = await leaps.state(caller.tenant_id)
        waiting_for = await leaps.waiting_for(caller.tenant_id, state)
        overdue = dict(state.overdue) if isinstance(state, FrozenClock) else {}
        return TestClockStatus(**response_of(state).model_dump(), waiting_for=waiting_for, overdue=overdue)

    return router


async def _followed(leaps: Leaps, tenant_id: str, response: Response) -> Response:
    """The response, when all contexts have received what it wrote. Raises TestClockIsAdvancing."""
    if POSITION_HEADER in response.headers:
        tokens = parse_tokens(response.headers[POSITION_HEADER])
        heads = {token.context: {token.partition: token.position} for token in tokens}
        await leaps.wait_until_followed(tenant_id, heads)
    return response
