"""Request and response bodies of subscriptions, and their routes."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Path, Response
from pydantic import Field

from services.subscriptions.subscriptions.decider import (
    SUBSCRIPTION,
    Active,
    CancelAt,
    CancelSubscription,
    Ended,
    NoSubscription,
)
from services.subscriptions.subscriptions.handlers import (
    SubscribeCustomer,
    handle_and_schedule,
    start_subscription,
)
from services.subscriptions.subscriptions.refusals import SubscriptionIsUnknown
from shared.framework.core.ids import has_prefix
from shared.framework.http.authorization import requires
from shared.framework.http.command_endpoint import CommandDep, command_router
from shared.framework.http.field_types import ApiModel, Identifier, Instant, PrintableId
from shared.framework.http.reads import Cursor, PageSize, ReadDep

Version = Annotated[int, Field(ge=1, le=1_000_000)]


class NewSubscription(ApiModel):
    """A subscription to start.

    Usage and fees count from `starts_at` (now); one in the past backdates. Periods are counted from
    `anchor_at` (the start), and the first one begins at the start. The usage of `subject` (external id) is
    billed.
    """

    customer_id: Identifier
    plan_key: Identifier
    plan_version: Version | None = None
    anchor_at: Instant | None = None
    starts_at: Instant | None = None
    subject: PrintableId | None = None

    def command(self, *, now: datetime, subscription_id: str) -> SubscribeCustomer:
        """The command of this request."""
        return SubscribeCustomer(subscription_id=subscription_id, now=now, **dict(self))


class Cancellation(ApiModel):
    """When the subscription ends."""

    at: Literal["period_end", "now"]

    def command(self, *, now: datetime, subscription_id: str) -> CancelSubscription:
        """The command of this request."""
        return CancelSubscription(subscription_id=subscription_id, at=CancelAt(self.at), now=now)


class SubscriptionTerms(ApiModel):
    """What was agreed when a subscription started."""

    subscription_id: str
    customer_id: str
    subject: str
    plan_id: str
    plan_version: int
    anchor_at: Instant
    starts_at: Instant


class SubscriptionResponse(SubscriptionTerms):
    """A subscription; `ends_at` is set once it is cancelled, and the status stays `cancelled` until then."""

    status: Literal["active", "cancelled", "ended"]
    ends_at: Instant | None


class SubscriptionList(ApiModel):
    """A page of subscriptions, the first started first; `next_cursor` is null on the last page."""

    items: list[SubscriptionResponse]
    next_cursor: str | None


def subscription_response(state: Active | Ended) -> SubscriptionResponse:
    """The response body of a subscription."""
    started = msgspec.structs.replace(state.terms, starts_at=state.terms.billed_from)
    terms = dict(SubscriptionTerms.of(started))
    if isinstance(state, Ended):
        return SubscriptionResponse(**terms, status="ended", ends_at=state.ended_at)
    status: Literal["active", "cancelled"] = "cancelled" if state.ends_at else "active"
    return SubscriptionResponse(**terms, status=status, ends_at=state.ends_at)


def subscription_reads() -> APIRouter:
    """The routes that read subscriptions."""
    router = APIRouter(prefix="/v1", tags=["subscriptions"])

    @router.get("/subscriptions", dependencies=[requires("subscriptions:read")])
    async def list_subscriptions(
        ctx: ReadDep, size: PageSize = 100, cursor: Cursor = None
    ) -> SubscriptionList:
        """The tenant's subscriptions, also those that have ended, in the order of their starts."""
        rows, next_cursor = await ctx.page(SUBSCRIPTION, "sub", cursor, size)
        items = [subscription_response(state) for _, state in rows if not isinstance(state, NoSubscription)]
        return SubscriptionList(items=items, next_cursor=next_cursor)

    @router.get(
        "/subscriptions/{subscription_id}", dependencies=[requires("subscriptions:read", customers=True)]
    )
    async def get_subscription(subscription_id: Identifier, ctx: ReadDep) -> SubscriptionResponse:
        """A subscription by its id; a customer's own credential reads its own subscriptions alone."""
        if not has_prefix("sub", subscription_id):
            raise SubscriptionIsUnknown(subscription_id)
        state = await ctx.state(SUBSCRIPTION, subscription_id)
        if isinstance(state, NoSubscription) or not ctx.may_see(state.terms.customer_id):
            raise SubscriptionIsUnknown(subscription_id)
        return subscription_response(state)

    return router


def subscriptions_router() -> APIRouter:
    """The routes of commands on subscriptions."""
    router = command_router("subscriptions:write", tags=["subscriptions"])

    @router.post("/subscriptions", status_code=201, response_model=SubscriptionResponse)
    async def post_subscription(body: NewSubscription, ctx: CommandDep) -> Response:
        """Start a subscription of a customer to a plan.

        While another subscription bills the same meter and subject it is refused (409
        `usage-is-billed-already`), unless the plan shares usage.
        """
        command = body.command(now=ctx.now, subscription_id=ctx.service.ids.new("sub"))
        return await ctx.execute(start_subscription, command, subscription_response)

    @router.post("/subscriptions/{subscription_id}/cancel", response_model=SubscriptionResponse)
    async def post_cancellation(
        subscription_id: Annotated[Identifier, Path()], body: Cancellation, ctx: CommandDep
    ) -> Response:
        """Cancel a subscription at the end of its period, or now: then the last period is prorated."""
        command = body.command(now=ctx.now, subscription_id=subscription_id)
        return await ctx.execute(handle_and_schedule, command, subscription_response)

    return router
