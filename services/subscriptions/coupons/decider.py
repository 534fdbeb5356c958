"""A coupon: defined once, and disabled."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from services.subscriptions.coupons.refusals import (
    AmountOffIsInvalid,
    CouponExists,
    CouponHasExpired,
    CouponIsUnknown,
    PercentIsInvalid,
)
from services.subscriptions.plans.decider import plan_id_of
from shared.billing.contracts.subscriptions.coupons import CouponDefined, CouponDisabled
from shared.billing.currency import checked_currency
from shared.billing.discounts import AmountOff, PercentageOff, Reduction
from shared.framework.core.decider import Decider
from shared.framework.core.ids import derived_id
from shared.framework.core.refusals import ImpossibleHistory, in_field


@dataclass(frozen=True, slots=True, kw_only=True)
class DefineCoupon:
    """Define a coupon under a code; see CouponDefined for its terms."""

    coupon_id: str
    code: str
    name: str
    reduction: Reduction
    periods: int | None = None
    plan_keys: tuple[str, ...] = ()
    charge_keys: tuple[str, ...] = ()
    customer_id: str | None = None
    redemptions_max: int | None = None
    redemptions_per_customer_max: int | None = None
    expires_at: datetime | None = None
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DisableCoupon:
    """Let a coupon be redeemed no more."""

    code: str
    now: datetime


@dataclass(frozen=True, slots=True)
class NoCoupon:
    """No coupon is defined under this code."""


@dataclass(frozen=True, slots=True)
class Coupon:
    """A defined coupon; `disabled_at` is set once it is disabled."""

    terms: CouponDefined
    disabled_at: datetime | None = None


CouponState = NoCoupon | Coupon
CouponCommand = DefineCoupon | DisableCoupon
CouponEvent = CouponDefined | CouponDisabled


def coupon_id_of(tenant_id: str, code: str) -> str:
    """The id (and stream) of the tenant's coupon of this code."""
    return derived_id("cpn", tenant_id, code)


def plan_ids_of(tenant_id: str, terms: CouponDefined) -> tuple[str, ...]:
    """The ids of the plans that a coupon is limited to; empty: it is not limited."""
    return tuple(plan_id_of(tenant_id, key) for key in terms.plan_keys)


def defined(code: str, state: CouponState) -> Coupon:
    """The coupon. Raises CouponIsUnknown if there is none."""
    if isinstance(state, NoCoupon):
        raise CouponIsUnknown(code)
    return state


def decide(state: CouponState, command: CouponCommand) -> Sequence[CouponEvent]:
    """The events of a command; see the function of each."""
    match command:
        case DefineCoupon():
            return define(state, command)
        case DisableCoupon():
            return disable(state, command)


def define(state: CouponState, command: DefineCoupon) -> Sequence[CouponDefined]:
    """The definition; nothing if it repeats the first one.

    Raises CouponExists for other terms, PercentIsInvalid, AmountOffIsInvalid, CurrencyIsUnknown and
    CouponHasExpired.
    """
    event = CouponDefined(
        coupon_id=command.coupon_id,
        code=command.code,
        name=command.name,
        reduction=command.reduction,
        periods=command.periods,
        plan_keys=command.plan_keys,
        charge_keys=command.charge_keys,
        customer_id=command.customer_id,
        redemptions_max=command.redemptions_max,
        redemptions_per_customer_max=command.redemptions_per_customer_max,
        expires_at=command.expires_at,
        defined_at=command.now,
    )
    if isinstance(state, Coupon):
        if msgspec.structs.replace(event, defined_at=state.terms.defined_at) != state.terms:
            raise CouponExists(command.code)
        return []
    _check_reduction(command.reduction)
    if command.expires_at is not None and command.expires_at <= command.now:
        with in_field("expires_at"):
            raise CouponHasExpired(command.expires_at.isoformat())
    return [event]


def disable(state: CouponState, command: DisableCoupon) -> Sequence[CouponDisabled]:
    """The end of redemptions; nothing if it is disabled. Raises CouponIsUnknown."""
    coupon = defined(command.code, state)
    if coupon.disabled_at is not None:
        return []
    return [CouponDisabled(coupon_id=coupon.terms.coupon_id, disabled_at=command.now)]


def evolve(state: CouponState, event: CouponEvent) -> CouponState:
    """The state after an event."""
    match state, event:
        case NoCoupon(), CouponDefined():
            return Coupon(event)
        case Coupon(disabled_at=None), CouponDisabled():
            return Coupon(state.terms, event.disabled_at)
    raise ImpossibleHistory(state, event)


COUPON: Decider[CouponState, CouponCommand, CouponEvent] = Decider(NoCoupon(), decide, evolve)


def _check_reduction(reduction: Reduction) -> None:
    match reduction:
        case PercentageOff(percent=percent) if not 0 < percent <= 100:
            with in_field("percent"):
                raise PercentIsInvalid(str(percent))
        case AmountOff(amount=amount):
            with in_field("amount", "currency"):
                checked_currency(amount.currency)
            if amount.minor <= 0:
                with in_field("amount", "minor"):
                    raise AmountOffIsInvalid(str(amount.minor))
