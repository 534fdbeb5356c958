"""Request and response bodies of test clocks, and their routes."""

from fastapi import APIRouter, Depends, Response

from services.subscriptions.test_clocks.decider import AdvanceTestClock, StartTestClock
from services.subscriptions.test_clocks.handlers import set_test_clock
from shared.framework.core.refusals import Refusal, RefusalKind
from shared.framework.http.authorization import Caller, Role
from shared.framework.http.command_endpoint import CommandDep, command_router
from shared.framework.http.field_types import ApiModel, Instant


class TestClockNeedsAnAdmin(Refusal):
    """Only the role billing_admin may change a tenant's test clock."""

    __test__ = False
    code = "test-clock-needs-admin"
    kind = RefusalKind.FORBIDDEN


class TestClockStart(ApiModel):
    """The instant at which the tenant's test clock starts."""

    now: Instant


class TestClockAdvance(ApiModel):
    """The instant to advance the tenant's test clock to."""

    to: Instant


class TestClockResponse(ApiModel):
    """The current instant of the tenant's test clock."""

    now: Instant


async def require_billing_admin(caller: Caller) -> None:
    """Require the role billing_admin: moving a tenant's clock bills it. Raises TestClockNeedsAnAdmin."""
    if caller.role is not Role.BILLING_ADMIN:
        raise TestClockNeedsAnAdmin(caller.role)


def test_clocks_router() -> APIRouter:
    """The routes of test clocks."""
    router = command_router("clocks:write", Depends(require_billing_admin), tags=["test-clock"])

    @router.post("/test-clock", status_code=201, response_model=TestClockResponse)
    async def post_test_clock(body: TestClockStart, ctx: CommandDep) -> Response:
        """Start a test clock for this tenant, for tests and demonstrations; it cannot be removed."""
        return await ctx.execute(set_test_clock, StartTestClock(now=body.now), TestClockResponse.of)

    @router.post("/test-clock/advance", response_model=TestClockResponse)
    async def post_test_clock_advance(body: TestClockAdvance, ctx: CommandDep) -> Response:
        """Advance the tenant's test clock; timers that fall due fire one by one, each at its own due time."""
        return await ctx.execute(set_test_clock, AdvanceTestClock(to=body.to), TestClockResponse.of)

    return router
