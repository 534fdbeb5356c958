"""Request and response bodies of subscriptions, and their routes."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import Field

from services.subscriptions.plans.schemas import NewCharge, PriceBody
from services.subscriptions.subscriptions.commands import (
    CancelAt,
    CancelSubscription,
    ChangeAt,
    ChangeSubscription,
    WithdrawCancellation,
    WithdrawChange,
)
from services.subscriptions.subscriptions.coupons import HeldCoupon
from services.subscriptions.subscriptions.decider import SUBSCRIPTION
from services.subscriptions.subscriptions.handlers import (
    ChangePlan,
    CouponByCode,
    SubscribeCustomer,
    apply_coupon,
    change_plan,
    handle_and_schedule,
    remove_coupon,
    start_subscription,
)
from services.subscriptions.subscriptions.refusals import SubscriptionIsUnknown
from services.subscriptions.subscriptions.state import Ended, Live, NoSubscription, Paused, Waiting
from shared.framework.core.ids import has_prefix
from shared.framework.http.authorization import requires
from shared.framework.http.command_endpoint import CommandDep, command_router
from shared.framework.http.field_types import (
    ApiModel,
    Identifier,
    Instant,
    NonNegativeDecimal,
    PrintableId,
)
from shared.framework.http.reads import Cursor, PageSize, ReadDep

Version = Annotated[int, Field(ge=1, le=1_000_000)]
SubscriptionId = Annotated[Identifier, Path()]
_CLOSED: dict[str, Any] = {"additionalProperties": False}
"""Of bodies by charge key: OpenAPI takes the pattern of keys for one of several."""

Quantities = Annotated[
    dict[Identifier, NonNegativeDecimal],
    Field(
        default_factory=dict,
        max_length=100,
        description="Seats by charge key; 1 where none is given.",
        json_schema_extra=_CLOSED,
    ),
]
Prices = Annotated[
    dict[Identifier, PriceBody],
    Field(
        default_factory=dict,
        max_length=100,
        description="This subscription's own prices by charge key.",
        json_schema_extra=_CLOSED,
    ),
]


class NewSubscription(ApiModel):
    """A subscription to start.

    Usage and fees count from `starts_at` (now), or from the end of a trial; a start in the past backdates,
    one in the future waits. Periods are counted from `anchor_at`, by default where the billing begins, and
    the first one begins there. The usage of `subject` (external id) is billed. `trial_ends_at` replaces the
    trial of the plan; the start itself means none. `coupon`: the code of one that reduces all that is billed.
    """

    customer_id: Identifier
    plan_key: Identifier
    plan_version: Version | None = None
    anchor_at: Instant | None = None
    starts_at: Instant | None = None
    subject: PrintableId | None = None
    quantities: Quantities
    prices: Prices
    trial_ends_at: Instant | None = None
    coupon: Identifier | None = None

    def command(self, *, now: datetime, subscription_id: str) -> SubscribeCustomer:
        """The command of this request."""
        return SubscribeCustomer(subscription_id=subscription_id, now=now, **dict(self))


class Cancellation(ApiModel):
    """When the subscription ends: with its period, now, or at `ends_at` (with `at`: `date`).

    `gives_credit`: what was billed in advance for the time after the end is given back.
    """

    at: Literal["period_end", "now", "date"]
    ends_at: Instant | None = None
    gives_credit: bool = True

    def command(self, *, now: datetime, subscription_id: str) -> CancelSubscription:
        """The command of this request."""
        return CancelSubscription(
            subscription_id=subscription_id,
            at=CancelAt(self.at),
            ends_at=self.ends_at,
            gives_credit=self.gives_credit,
            now=now,
        )


class EffectiveAt(ApiModel):
    """When a change takes effect: now, at the end of the period, or at `effective_at` (with `at`: `date`)."""

    at: Literal["now", "period_end", "date"] = "now"
    effective_at: Instant | None = None


class TermsChange(EffectiveAt):
    """Other terms: a plan version, quantities, own prices; what is not given stays as it is."""

    plan_key: Identifier | None = None
    plan_version: Version | None = None
    quantities: Quantities
    prices: Prices

    def command(self, *, now: datetime, subscription_id: str, change_id: str) -> ChangePlan:
        """The command of this request."""
        fields = dict(self) | {"at": ChangeAt(self.at)}
        return ChangePlan(subscription_id=subscription_id, change_id=change_id, now=now, **fields)


class CouponCode(ApiModel):
    """The coupon to redeem."""

    code: Identifier


class AppliedCouponBody(ApiModel):
    """A coupon of a subscription; `periods_left`: how many more billing periods it reduces, null: all."""

    coupon_id: str
    code: str
    periods_left: int | None
    applied_at: Instant


class ScheduledChangeBody(ApiModel):
    """A change that is carried out at `at`; for other terms, what they are."""

    change_id: str
    at: Instant
    kind: Literal["terms", "pause", "resume"]
    plan_id: str | None
    plan_version: int | None
    quantities: dict[str, NonNegativeDecimal]


class SubscriptionTerms(ApiModel):
    """What a subscription is billed by now."""

    subscription_id: str
    customer_id: str
    subject: str
    plan_id: str
    plan_version: int
    interval: str
    anchor_at: Instant
    charges: list[NewCharge]
    quantities: dict[str, NonNegativeDecimal]


class SubscriptionResponse(SubscriptionTerms):
    """A subscription; `ends_at` is set once it is cancelled, and the status stays `cancelled` until then.

    `scheduled`: it starts in the future; `trial`: nothing is billed until `trial_ends_at`.
    """

    status: Literal["scheduled", "trial", "active", "paused", "cancelled", "ended"]
    starts_at: Instant
    trial_ends_at: Instant | None
    ends_at: Instant | None
    scheduled_changes: list[ScheduledChangeBody]
    coupons: list[AppliedCouponBody]


class SubscriptionList(ApiModel):
    """A page of subscriptions, the first started first; `next_cursor` is null on the last page."""

    items: list[SubscriptionResponse]
    next_cursor: str | None


def subscription_response(state: Live | Ended) -> SubscriptionResponse:
    """The response body of a subscription."""
    ends_at: datetime | None
    if isinstance(state, Ended):
        ends_at, scheduled = state.ended_at, []
    else:
        ends_at, scheduled = state.ends_at, [ScheduledChangeBody.of(one) for one in state.scheduled]
    return SubscriptionResponse(
        **dict(SubscriptionTerms.of(state.terms)),
        status=_status(state),
        starts_at=state.started.starts_at or state.started.anchor_at,
        trial_ends_at=state.started.trial_ends_at,
        ends_at=ends_at,
        scheduled_changes=scheduled,
        coupons=[] if isinstance(state, Ended) else [_applied_coupon(one) for one in state.coupons],
    )


def _applied_coupon(held: HeldCoupon) -> AppliedCouponBody:
    return AppliedCouponBody(
        coupon_id=held.coupon_id,
        code=held.applied.code,
        periods_left=held.periods_left,
        applied_at=held.applied.applied_at,
    )


def _status(
    state: Live | Ended,
) -> Literal["scheduled", "trial", "active", "paused", "cancelled", "ended"]:
    match state:
        case Ended():
            return "ended"
        case _ if state.ends_at is not None:
            return "cancelled"
        case Waiting(in_trial=in_trial):
            return "trial" if in_trial else "scheduled"
        case Paused():
            return "paused"
        case _:
            return "active"


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
        if isinstance(state, NoSubscription) or not ctx.may_see(state.started.customer_id):
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
        subscription_id: SubscriptionId, body: Cancellation, ctx: CommandDep
    ) -> Response:
        """Cancel a subscription at the end of its period, now, or at a date: what it cuts is prorated."""
        command = body.command(now=ctx.now, subscription_id=subscription_id)
        return await ctx.execute(handle_and_schedule, command, subscription_response)

    @router.post("/subscriptions/{subscription_id}/reactivate", response_model=SubscriptionResponse)
    async def post_reactivation(subscription_id: SubscriptionId, ctx: CommandDep) -> Response:
        """Withdraw a cancellation that has not taken effect: the subscription goes on."""
        command = WithdrawCancellation(subscription_id=subscription_id, now=ctx.now)
        return await ctx.execute(handle_and_schedule, command, subscription_response)

    @router.post("/subscriptions/{subscription_id}/change", response_model=SubscriptionResponse)
    async def post_change(subscription_id: SubscriptionId, body: TermsChange, ctx: CommandDep) -> Response:
        """Change plan, quantities or own prices; what was billed in advance is given back by time.

        Another plan or price within a period closes the period there; other quantities do not.
        """
        change_id = ctx.service.ids.new("chg")
        command = body.command(now=ctx.now, subscription_id=subscription_id, change_id=change_id)
        return await ctx.execute(change_plan, command, subscription_response)

    _add_coupon_routes(router)
    for kind in ("pause", "resume"):
        _add_pause_route(router, kind)

    @router.post(
        "/subscriptions/{subscription_id}/changes/{change_id}/withdraw", response_model=SubscriptionResponse
    )
    async def post_withdrawal(
        subscription_id: SubscriptionId, change_id: Annotated[Identifier, Path()], ctx: CommandDep
    ) -> Response:
        """Withdraw a scheduled change."""
        command = WithdrawChange(subscription_id=subscription_id, change_id=change_id, now=ctx.now)
        return await ctx.execute(handle_and_schedule, command, subscription_response)

    return router


def _add_coupon_routes(router: APIRouter) -> None:
    @router.post("/subscriptions/{subscription_id}/coupons", response_model=SubscriptionResponse)
    async def post_coupon_of_subscription(
        subscription_id: SubscriptionId, body: CouponCode, ctx: CommandDep
    ) -> Response:
        """Redeem a coupon: it reduces what is billed from now on, so the open period as a whole."""
        command = CouponByCode(subscription_id=subscription_id, code=body.code, now=ctx.now)
        return await ctx.execute(apply_coupon, command, subscription_response)

    @router.post(
        "/subscriptions/{subscription_id}/coupons/{code}/remove", response_model=SubscriptionResponse
    )
    async def post_coupon_removal(
        subscription_id: SubscriptionId, code: Annotated[Identifier, Path()], ctx: CommandDep
    ) -> Response:
        """Take a coupon from a subscription; its redemption is not given back."""
        command = CouponByCode(subscription_id=subscription_id, code=code, now=ctx.now)
        return await ctx.execute(remove_coupon, command, subscription_response)


def _add_pause_route(router: APIRouter, kind: Literal["pause", "resume"]) -> None:
    @router.post(
        f"/subscriptions/{{subscription_id}}/{kind}",
        response_model=SubscriptionResponse,
        name=f"post_{kind}",
        description=(
            "Pause: nothing is billed until it is resumed; what was billed in advance is given back by time."
            if kind == "pause"
            else "Resume a paused subscription: its periods are counted as before."
        ),
    )
    async def post_pause(subscription_id: SubscriptionId, body: EffectiveAt, ctx: CommandDep) -> Response:
        command = ChangeSubscription(
            subscription_id=subscription_id,
            change_id=ctx.service.ids.new("chg"),
            kind=kind,
            at=ChangeAt(body.at),
            effective_at=body.effective_at,
            now=ctx.now,
        )
        return await ctx.execute(handle_and_schedule, command, subscription_response)
