"""What goes in and comes out over HTTP."""

from typing import Annotated, Literal, Self

from fastapi import APIRouter, Path, Response
from pydantic import Field

from services.subscriptions.subscriptions.decider import Active, CancelAt, Ended
from services.subscriptions.subscriptions.handlers import cancel_subscription, start_subscription
from shared.framework.http.authorization import requires
from shared.framework.http.command_endpoint import CommandDep
from shared.framework.http.field_types import ApiModel, Identifier, Instant, ShortText
from shared.framework.http.request_body import DecodedBodyRoute

Version = Annotated[int, Field(ge=1, le=1_000_000)]


class NewSubscription(ApiModel):
    """A subscription to start; `anchor_at` (now) sets its periods, `subject` (external id) its usage."""

    customer_id: Identifier
    plan_key: Identifier
    plan_version: Version | None = None
    anchor_at: Instant | None = None
    subject: ShortText | None = None


class Cancellation(ApiModel):
    """When the subscription ends."""

    at: Literal["period_end", "now"]


class SubscriptionResponse(ApiModel):
    """A subscription; `ends_at` is set once it is cancelled."""

    subscription_id: str
    customer_id: str
    subject: str
    plan_id: str
    plan_version: int
    anchor_at: Instant
    status: Literal["active", "ending", "ended"]
    ends_at: Instant | None

    @classmethod
    def of(cls, state: Active | Ended) -> Self:
        """Tell a subscription."""
        ends_at = state.ended_at if isinstance(state, Ended) else state.ends_at
        status: Literal["active", "ending", "ended"] = "active" if ends_at is None else "ending"
        return cls(
            subscription_id=state.terms.subscription_id,
            customer_id=state.terms.customer_id,
            subject=state.terms.subject,
            plan_id=state.terms.plan_id,
            plan_version=state.terms.plan_version,
            anchor_at=state.terms.anchor_at,
            status="ended" if isinstance(state, Ended) else status,
            ends_at=ends_at,
        )


router = APIRouter(prefix="/v1", tags=["subscriptions"], route_class=DecodedBodyRoute)


@router.post(
    "/subscriptions",
    status_code=201,
    response_model=SubscriptionResponse,
    dependencies=[requires("subscriptions:write")],
)
async def post_subscription(body: NewSubscription, desk: CommandDep) -> Response:
    """Start a subscription of a customer to a plan."""
    subscription_id = desk.house.ids.new("sub")
    return await desk.execute(
        lambda session: start_subscription(
            session,
            subscription_id,
            customer_id=body.customer_id,
            plan_key=body.plan_key,
            plan_version=body.plan_version,
            anchor_at=body.anchor_at,
            subject=body.subject,
        ),
        SubscriptionResponse.of,
    )


@router.post(
    "/subscriptions/{subscription_id}/cancel",
    response_model=SubscriptionResponse,
    dependencies=[requires("subscriptions:write")],
)
async def post_cancellation(
    subscription_id: Annotated[Identifier, Path()], body: Cancellation, desk: CommandDep
) -> Response:
    """Cancel a subscription at the end of its period, or now: then the last period is prorated."""
    return await desk.execute(
        lambda session: cancel_subscription(session, subscription_id, CancelAt(body.at)),
        SubscriptionResponse.of,
        status=200,
    )
