"""Every way in which this domain says no."""

from fastapi import APIRouter, Depends, Response

from services.subscriptions.test_clocks.handlers import advance_test_clock, start_test_clock
from shared.framework.core.refusals import Refusal, RefusalKind
from shared.framework.http.authorization import Caller, requires
from shared.framework.http.command_endpoint import CommandDep
from shared.framework.http.credential import Role
from shared.framework.http.field_types import ApiModel, Instant


class TestClockNeedsAnAdmin(Refusal):
    """Only a billing admin may move a tenant's time."""

    __test__ = False
    code = "test-clock-needs-admin"
    kind = RefusalKind.FORBIDDEN


class ClockStart(ApiModel):
    """Where the tenant's time stands from now on."""

    now: Instant


class ClockAdvance(ApiModel):
    """Where the tenant's time moves to."""

    to: Instant


class ClockAnswer(ApiModel):
    """Where the tenant's time stands."""

    now: Instant


router = APIRouter(prefix="/v1")


async def require_billing_admin(caller: Caller) -> None:
    """Whoever moves a tenant's time moves its money."""
    if caller.role is not Role.BILLING_ADMIN:
        raise TestClockNeedsAnAdmin(caller.role)


@router.post(
    "/test-clock",
    status_code=201,
    response_model=ClockAnswer,
    dependencies=[requires("clocks:write"), Depends(require_billing_admin)],
)
async def post_test_clock(body: ClockStart, desk: CommandDep) -> Response:
    """Take this tenant out of the real time, for tests and demonstrations; there is no way back."""
    return await desk.execute(
        lambda session: start_test_clock(session, body.now), lambda now: ClockAnswer(now=now)
    )


@router.post(
    "/test-clock/advance",
    response_model=ClockAnswer,
    dependencies=[requires("clocks:write"), Depends(require_billing_admin)],
)
async def post_test_clock_advance(body: ClockAdvance, desk: CommandDep) -> Response:
    """Move the tenant's time forward; what falls due happens by and by, each at its own moment."""
    return await desk.execute(
        lambda session: advance_test_clock(session, body.to), lambda now: ClockAnswer(now=now), status=200
    )
