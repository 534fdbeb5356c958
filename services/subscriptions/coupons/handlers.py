"""Commands on coupons that touch several streams."""

from services.subscriptions.coupons.decider import (
    COUPON,
    CouponState,
    DefineCoupon,
    DisableCoupon,
    coupon_id_of,
    defined,
    plan_ids_of,
)
from services.subscriptions.coupons.redemption import (
    RedeemCoupon,
    check_redeemable,
    redeemed,
    redemption_count_id,
    redemptions_id,
)
from services.subscriptions.customers.decider import CUSTOMER, CustomerIsUnknown, registered
from services.subscriptions.plans.decider import PLAN, PlanIsUnknown, plan_id_of
from shared.billing.contracts.subscriptions.coupons import CouponDefined
from shared.framework.core.ids import has_prefix
from shared.framework.core.refusals import in_field
from shared.framework.eventstore.unit_of_work import Session


async def define_coupon(session: Session, command: DefineCoupon) -> CouponState:
    """Define a coupon, whose plans and customer must be there, and return it.

    Raises PlanIsUnknown, CustomerIsUnknown, and what the decider refuses.
    """
    for number, key in enumerate(command.plan_keys):
        plan = await session.state(PLAN, plan_id_of(session.tenant_id, key))
        if not plan.versions:
            with in_field("plan_keys", number):
                raise PlanIsUnknown(key)
    if command.customer_id is not None:
        with in_field("customer_id"):
            if not has_prefix("cus", command.customer_id):
                raise CustomerIsUnknown(command.customer_id)
            registered(command.customer_id, await session.state(CUSTOMER, command.customer_id))
    await session.handle(COUPON, command.coupon_id, command)
    return await session.state(COUPON, command.coupon_id)


async def disable_coupon(session: Session, command: DisableCoupon) -> CouponState:
    """Disable a coupon, and return it. Raises CouponIsUnknown."""
    coupon_id = coupon_id_of(session.tenant_id, command.code)
    await session.handle(COUPON, coupon_id, command)
    return await session.state(COUPON, coupon_id)


async def redeem_coupon(session: Session, command: RedeemCoupon) -> CouponDefined:
    """Count a redemption, and return the coupon's terms.

    The events are appended at the versions from which the numbers were computed: of two redemptions at once
    one is decided again, so a limit is never exceeded.
    Raises CouponIsUnknown, CouponIsUsedUp, and what check_redeemable raises.
    """
    coupon_id = coupon_id_of(session.tenant_id, command.code)
    coupon = defined(command.code, await session.state(COUPON, coupon_id))
    check_redeemable(coupon, plan_ids_of(session.tenant_id, coupon.terms), command)
    terms, counter = coupon.terms, redemption_count_id(coupon_id)
    mine = redemptions_id(coupon_id, command.customer_id)
    count, count_of_customer = await session.version(counter), await session.version(mine)
    redemption, counted = redeemed(terms, command, count + 1, count_of_customer + 1)
    session.append(counter, count, [counted])
    session.append(mine, count_of_customer, [redemption])
    return terms
