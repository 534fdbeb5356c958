"""Request and response bodies of coupons, and their routes."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from services.subscriptions.coupons.decider import (
    COUPON,
    Coupon,
    CouponState,
    DefineCoupon,
    DisableCoupon,
    coupon_id_of,
    defined,
)
from services.subscriptions.coupons.handlers import define_coupon, disable_coupon
from services.subscriptions.coupons.refusals import CouponNeedsOneReduction
from shared.billing.discounts import AmountOff, PercentageOff, Reduction
from shared.billing.money import Money
from shared.framework.http.authorization import requires
from shared.framework.http.command_endpoint import CommandDep, command_router
from shared.framework.http.field_types import (
    AmountBody,
    ApiModel,
    DecimalAmount,
    Identifier,
    Instant,
    ShortText,
)
from shared.framework.http.reads import Cursor, PageSize, ReadDep

PERIODS_MAX = 1_200
Limit = Annotated[int | None, Field(strict=True, ge=1, le=10**9)]
Keys = Annotated[list[Identifier], Field(max_length=100, default_factory=list)]


class CouponBody(ApiModel):
    """A coupon: either `percent` (10 is ten per cent) or an `amount` off each of `periods` billing periods.

    `periods`: 1 is once, null for ever. Empty lists and null do not limit it.
    """

    code: Identifier
    name: ShortText
    percent: DecimalAmount | None = None
    amount: AmountBody | None = None
    periods: Annotated[int | None, Field(strict=True, ge=1, le=PERIODS_MAX)] = None
    plan_keys: Keys
    charge_keys: Keys
    customer_id: Identifier | None = None
    redemptions_max: Limit = None
    redemptions_per_customer_max: Limit = None
    expires_at: Instant | None = None

    def command(self, *, now: datetime, coupon_id: str) -> DefineCoupon:
        """The command of this request. Raises CouponNeedsOneReduction."""
        given = dict(self) | {"plan_keys": tuple(self.plan_keys), "charge_keys": tuple(self.charge_keys)}
        terms = {name: value for name, value in given.items() if name not in ("percent", "amount")}
        return DefineCoupon(coupon_id=coupon_id, now=now, reduction=self._reduction(), **terms)

    def _reduction(self) -> Reduction:
        match self.percent, self.amount:
            case percent, None if percent is not None:
                return PercentageOff(percent=percent)
            case None, AmountBody(minor=minor, currency=currency):
                return AmountOff(amount=Money(minor, currency))
        raise CouponNeedsOneReduction("both" if self.percent is not None else "neither")


class CouponResponse(CouponBody):
    """A coupon as it was defined, and since when it is disabled."""

    coupon_id: str
    disabled_at: Instant | None


class CouponList(ApiModel):
    """A page of coupons, the first defined first; `next_cursor` is null on the last page."""

    items: list[CouponResponse]
    next_cursor: str | None


def coupon_response(coupon: Coupon) -> CouponResponse:
    """The response body of a coupon."""
    terms = coupon.terms
    percent = terms.reduction.percent if isinstance(terms.reduction, PercentageOff) else None
    amount = AmountBody.of(terms.reduction.amount) if isinstance(terms.reduction, AmountOff) else None
    names = CouponBody.model_fields.keys() - {"percent", "amount", "plan_keys", "charge_keys"}
    return CouponResponse(
        percent=percent,
        amount=amount,
        plan_keys=list(terms.plan_keys),
        charge_keys=list(terms.charge_keys),
        coupon_id=terms.coupon_id,
        disabled_at=coupon.disabled_at,
        **{name: getattr(terms, name) for name in names},
    )


def coupon_reads() -> APIRouter:
    """The routes that read coupons."""
    router = APIRouter(prefix="/v1", tags=["coupons"], dependencies=[requires("plans:read")])

    @router.get("/coupons")
    async def list_coupons(ctx: ReadDep, size: PageSize = 100, cursor: Cursor = None) -> CouponList:
        """The tenant's coupons in the order of their definition."""
        rows, next_cursor = await ctx.page(COUPON, "cpn", cursor, size)
        items = [coupon_response(defined(coupon_id, state)) for coupon_id, state in rows]
        return CouponList(items=items, next_cursor=next_cursor)

    @router.get("/coupons/{code}")
    async def get_coupon(code: Identifier, ctx: ReadDep) -> CouponResponse:
        """A coupon by its code."""
        return coupon_response(defined(code, await ctx.state(COUPON, coupon_id_of(ctx.tenant_id, code))))

    return router


def coupons_router() -> APIRouter:
    """The routes of commands on coupons."""
    router = command_router("plans:write", tags=["coupons"])

    @router.post("/coupons", status_code=201, response_model=CouponResponse)
    async def post_coupon(body: CouponBody, ctx: CommandDep) -> Response:
        """Define a coupon; repeating the same terms returns the same coupon, others are refused (409)."""
        command = body.command(now=ctx.now, coupon_id=coupon_id_of(ctx.tenant_id, body.code))
        return await ctx.execute(define_coupon, command, _body_of(body.code))

    @router.post("/coupons/{code}/disable", response_model=CouponResponse)
    async def post_disable(code: Identifier, ctx: CommandDep) -> Response:
        """Let a coupon be redeemed no more; subscriptions that have redeemed it keep it."""
        return await ctx.execute(disable_coupon, DisableCoupon(code=code, now=ctx.now), _body_of(code))

    return router


def _body_of(code: str) -> Callable[[CouponState], CouponResponse]:
    return lambda state: coupon_response(defined(code, state))
