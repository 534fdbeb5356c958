"""Commands on subscriptions, and the timers of what falls due on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from services.subscriptions.coupons.decider import COUPON, coupon_id_of, defined, plan_ids_of
from services.subscriptions.coupons.handlers import redeem_coupon
from services.subscriptions.coupons.redemption import RedeemCoupon
from services.subscriptions.customers.decider import CUSTOMER, CustomerIsUnknown, registered
from services.subscriptions.entitlements.handlers import grant_entitlements
from services.subscriptions.plans.decider import PLAN, plan_id_of
from services.subscriptions.subscriptions.commands import (
    ApplyCoupon,
    ChangeAt,
    ChangeSubscription,
    RemoveCoupon,
    StartSubscription,
    SubscriptionCommand,
)
from services.subscriptions.subscriptions.decider import SUBSCRIPTION
from services.subscriptions.subscriptions.due import next_due
from services.subscriptions.subscriptions.refusals import SubscriptionIsUnknown
from services.subscriptions.subscriptions.state import (
    Active,
    Ended,
    Live,
    NoSubscription,
    Subscription,
    Waiting,
)
from services.subscriptions.usage_claims.handlers import claim_more_usage, claim_usage, release_usage
from shared.billing.contracts.subscriptions.plans import PlanPublished
from shared.billing.contracts.subscriptions.subscriptions import (
    CancellationWithdrawn,
    SubscriptionActivated,
    SubscriptionCancelled,
    SubscriptionChanged,
    SubscriptionEnded,
    SubscriptionPaused,
    SubscriptionResumed,
    SubscriptionStarted,
    TrialStarted,
)
from shared.billing.period import Interval, boundary
from shared.billing.pricing import Price
from shared.framework.core.event import Event
from shared.framework.core.ids import derived_id, has_prefix
from shared.framework.core.refusals import in_field
from shared.framework.eventstore.unit_of_work import Session

_GRANTING = (
    SubscriptionStarted,
    TrialStarted,
    SubscriptionActivated,
    SubscriptionChanged,
    SubscriptionPaused,
    SubscriptionResumed,
    SubscriptionEnded,
)
"""The events after which a subscription may give its customer other entitlements."""

CLOSE_PERIOD = "close-billing-period"
"""The purpose of the timers of all that falls due on a subscription; the first of it were ends of periods."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscribeCustomer:
    """Start a subscription: by default to the newest plan version, from now on, for the external id.

    The anchor is the instant from which it is billed unless another one is given. A plan with a trial gives
    it to every new subscription, unless `trial_ends_at` says another end; the start itself means no trial.
    """

    subscription_id: str
    customer_id: str
    plan_key: str
    plan_version: int | None = None
    anchor_at: datetime | None = None
    starts_at: datetime | None = None
    subject: str | None = None
    quantities: Mapping[str, Decimal] = field(default_factory=dict)
    prices: Mapping[str, Price] = field(default_factory=dict)
    trial_ends_at: datetime | None = None
    coupon: str | None = None
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponByCode:
    """A coupon, by its code, to apply to a subscription or to remove from it."""

    subscription_id: str
    code: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePlan:
    """Change the terms of a subscription; `plan_key` None: only quantities and prices."""

    subscription_id: str
    change_id: str
    at: ChangeAt
    effective_at: datetime | None = None
    plan_key: str | None = None
    plan_version: int | None = None
    quantities: Mapping[str, Decimal] = field(default_factory=dict)
    prices: Mapping[str, Price] = field(default_factory=dict)
    now: datetime


async def start_subscription(session: Session, command: SubscribeCustomer) -> Live | Ended:
    """Start a subscription of a customer to a plan version.

    Raises CustomerIsUnknown, PlanIsUnknown and UsageIsBilledAlready.
    """
    if not has_prefix("cus", command.customer_id):
        raise CustomerIsUnknown(command.customer_id)
    customer = registered(command.customer_id, await session.state(CUSTOMER, command.customer_id))
    published = await session.state(PLAN, plan_id_of(session.tenant_id, command.plan_key))
    plan, starts_at = published.version(command.plan_version), command.starts_at or command.now
    trial_ends_at = _trial_end(command, plan, customer.time_zone, starts_at)
    start = StartSubscription(
        subscription_id=command.subscription_id,
        customer=customer,
        plan=plan,
        subject=command.subject or customer.external_id,
        anchor_at=command.anchor_at or trial_ends_at or starts_at,
        starts_at=starts_at,
        quantities=command.quantities,
        prices=command.prices,
        trial_ends_at=trial_ends_at,
        at_trial_end=plan.at_trial_end,
        coupon=None if command.coupon is None else await _coupon(session, command.coupon, command),
        now=command.now,
    )
    state = await handle_and_schedule(session, start)
    if command.coupon is not None:
        with in_field("coupon"):
            await _redeem(session, state, command.coupon, command.now)
    return state


async def apply_coupon(session: Session, command: CouponByCode) -> Live | Ended:
    """Redeem a coupon for a subscription: from now on it reduces what is billed.

    Raises SubscriptionIsUnknown, and what the subscription and the coupon are refused for.
    """
    apply = await _coupon(session, command.code, command)
    state = await handle_and_schedule(session, apply)
    await _redeem(session, state, command.code, command.now)
    return state


async def remove_coupon(session: Session, command: CouponByCode) -> Live | Ended:
    """Take a coupon from a subscription. Raises SubscriptionIsUnknown and CouponIsNotApplied."""
    coupon_id = coupon_id_of(session.tenant_id, command.code)
    remove = RemoveCoupon(subscription_id=command.subscription_id, coupon_id=coupon_id, now=command.now)
    return await handle_and_schedule(session, remove)


async def _coupon(session: Session, code: str, command: SubscribeCustomer | CouponByCode) -> ApplyCoupon:
    """The command that applies the coupon of a code. Raises CouponIsUnknown."""
    with in_field("coupon" if isinstance(command, SubscribeCustomer) else "code"):
        terms = defined(code, await session.state(COUPON, coupon_id_of(session.tenant_id, code))).terms
    return ApplyCoupon(
        subscription_id=command.subscription_id,
        coupon=terms,
        plan_ids=plan_ids_of(session.tenant_id, terms),
        now=command.now,
    )


async def _redeem(session: Session, state: Live | Ended, code: str, now: datetime) -> None:
    terms = state.terms
    redeem = RedeemCoupon(
        code=code,
        subscription_id=terms.subscription_id,
        customer_id=terms.customer_id,
        currency=terms.currency,
        plan_id=terms.plan_id,
        charge_keys=frozenset(charge.key for charge in terms.charges),
        now=now,
    )
    await redeem_coupon(session, redeem)


def _trial_end(
    command: SubscribeCustomer, plan: PlanPublished, zone: str, starts_at: datetime
) -> datetime | None:
    if command.trial_ends_at is not None:
        return None if command.trial_ends_at == starts_at else command.trial_ends_at
    return None if plan.trial is None else boundary(starts_at, zone, Interval.parse(plan.trial), 1)


async def change_plan(session: Session, command: ChangePlan) -> Live | Ended:
    """Change the terms of a subscription. Raises PlanIsUnknown and what the change is refused for."""
    plan = None
    if command.plan_key is not None:
        published = await session.state(PLAN, plan_id_of(session.tenant_id, command.plan_key))
        plan = published.version(command.plan_version)
    change = ChangeSubscription(
        subscription_id=command.subscription_id,
        change_id=command.change_id,
        kind="terms",
        at=command.at,
        effective_at=command.effective_at,
        plan=plan,
        quantities=command.quantities,
        prices=command.prices,
        now=command.now,
    )
    return await handle_and_schedule(session, change)


async def handle_and_schedule(session: Session, command: SubscriptionCommand) -> Live | Ended:
    """Handle a command, move the claim on usage, and schedule what falls due next.

    Returns the new state. Raises SubscriptionIsUnknown and UsageIsBilledAlready.
    """
    if not has_prefix("sub", command.subscription_id):
        raise SubscriptionIsUnknown(command.subscription_id)
    events = await session.handle(SUBSCRIPTION, command.subscription_id, command)
    state = await session.state(SUBSCRIPTION, command.subscription_id)
    if isinstance(state, NoSubscription):
        raise SubscriptionIsUnknown(command.subscription_id)
    await _move_claim(session, state.started, events)
    if events:
        await _grant(session, state, events)
        _schedule_next(session, state)
    return state


async def _grant(session: Session, state: Live | Ended, events: Sequence[Event]) -> None:
    """Give the customer what the plan version entitles to, while the subscription runs, also in its trial."""
    if not any(isinstance(event, _GRANTING) for event in events):
        return
    terms = state.terms
    runs = isinstance(state, Active) or (isinstance(state, Waiting) and state.in_trial)
    version = (terms.plan_id, terms.plan_version) if runs else None
    await grant_entitlements(session, terms.customer_id, terms.subscription_id, version)


async def _move_claim(session: Session, started: SubscriptionStarted, events: Sequence[Event]) -> None:
    for event in events:
        match event:
            case SubscriptionStarted():
                await claim_usage(session, event)
            case SubscriptionChanged():
                await claim_more_usage(session, started, event)
            case CancellationWithdrawn():
                await claim_usage(session, started, again_from=event.withdrawn_at)
            case SubscriptionCancelled():
                await release_usage(session, started, event.ends_at)
            case SubscriptionEnded():
                await release_usage(session, started, event.ended_at)


async def resume(session: Session, subscription_id: str) -> None:
    """Schedule what falls due next on a subscription that was put back."""
    _schedule_next(session, await session.state(SUBSCRIPTION, subscription_id))


def _schedule_next(session: Session, state: Subscription) -> None:
    due_at = next_due(state)
    if due_at is None or isinstance(state, NoSubscription):
        return
    subscription_id = state.started.subscription_id
    # The instant is part of the id: what is due at another instant has a timer of its own, and the old timer
    # finds nothing to do. The revision: the same instant may become due again after a change.
    timer_id = derived_id("tmr", subscription_id, str(state.terms.revision), due_at.isoformat(), CLOSE_PERIOD)
    session.schedule(timer_id, due_at, CLOSE_PERIOD, {"subscription_id": subscription_id})
