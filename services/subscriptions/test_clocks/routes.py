"""Every way in which this domain says no."""

from fastapi import APIRouter, Depends, Response

from services.subscriptions.test_clocks.handlers import advance_test_clock, start_test_clock
from shared.framework.core.refusals import Refusal, RefusalKind
from shared.framework.http.authorization import Caller, requires
from shared.framework.http.command_endpoint import CommandDep
from shared.framework.http.credential import Role
from shared.framework.http.field_types import ApiModel, Instant
from shared.framework.http.request_body import DecodedBodyRoute


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


router = APIRouter(prefix="/v1", tags=["test-clock"], route_class=DecodedBodyRoute)


async def require_billing_admin(caller: Caller) -> None:
    """Whoever moves a tenant's time moves its money."""
    if caller.role is not Role.BILLING_ADMIN:
        raise TestClockNeedsAnAdmin(caller.role)


@router.post(
    "/test-clock",
    status_code=201,
    response_model=TestClockResponse,
    dependencies=[requires("clocks:write"), Depends(require_billing_admin)],
)
async def post_test_clock(body: TestClockStart, desk: CommandDep) -> Response:
    """Start a test clock for this tenant, for tests and demonstrations; it cannot be removed."""
    return await desk.execute(
        lambda session: start_test_clock(session, body.now), lambda now: TestClockResponse(now=now)
    )


@router.post(
    "/test-clock/advance",
    response_model=TestClockResponse,
    dependencies=[requires("clocks:write"), Depends(require_billing_admin)],
)
async def post_test_clock_advance(body: TestClockAdvance, desk: CommandDep) -> Response:
    """Advance the tenant's test clock; timers that fall due fire one by one, each at its own due time."""
    return await desk.execute(
        lambda session: advance_test_clock(session, body.to),
        lambda now: TestClockResponse(now=now),
        status=200,
    )
