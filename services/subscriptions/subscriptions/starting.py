"""The start of a subscription: now, in the past, in the future, or with a trial."""

from collections.abc import Sequence
from datetime import timedelta

from services.subscriptions.subscriptions.billing import opened_stretch
from services.subscriptions.subscriptions.changing import checked_quantities, repriced
from services.subscriptions.subscriptions.commands import StartSubscription
from services.subscriptions.subscriptions.coupons import applied_event
from services.subscriptions.subscriptions.refusals import (
    AnchorIsAfterTheStart,
    AnchorIsTooOld,
    PlanCurrencyDiffers,
    StartIsTooFar,
    StartIsTooOld,
    TrialEndsBeforeTheStart,
)
from services.subscriptions.subscriptions.state import Active, NoSubscription, SubscriptionEvent, evolve
from shared.billing.contracts.subscriptions.subscriptions import SubscriptionStarted, TrialStarted

BACKDATED_MAX = timedelta(days=3653)
AHEAD_MAX = timedelta(days=3653)


def started(command: StartSubscription) -> Sequence[SubscriptionEvent]:
    """The start, with what is billed at once. It copies the charges, so no later version changes them.

    Raises PlanCurrencyDiffers, AnchorIsTooOld, StartIsTooOld, StartIsTooFar, AnchorIsAfterTheStart,
    TrialEndsBeforeTheStart, and what quantities and prices are refused for.
    """
    customer, plan = command.customer, command.plan
    if customer.currency not in plan.currencies:
        raise PlanCurrencyDiffers(f"plan {', '.join(sorted(plan.currencies))}, customer {customer.currency}")
    _check_instants(command)
    charges = plan.charges_in(customer.currency)
    event = SubscriptionStarted(
        subscription_id=command.subscription_id,
        customer_id=customer.customer_id,
        subject=command.subject,
        plan_id=plan.plan_id,
        plan_version=plan.version,
        currency=customer.currency,
        interval=plan.interval,
        charges=repriced(charges, command.prices),
        time_zone=customer.time_zone,
        anchor_at=command.anchor_at,
        started_at=command.now,
        starts_at=command.starts_at,
        shares_usage=plan.shares_usage,
        quantities=checked_quantities(charges, command.quantities),
        proration=plan.proration,
        trial_ends_at=command.trial_ends_at,
        at_trial_end=command.at_trial_end,
    )
    given = [] if command.coupon is None else [applied_event(command.coupon)]
    return [event, *given, *_begun(command, event)]


def _begun(command: StartSubscription, event: SubscriptionStarted) -> Sequence[SubscriptionEvent]:
    state = evolve(NoSubscription(), event)
    if isinstance(state, Active):
        return opened_stretch(state, state.terms, command.now)
    if command.trial_ends_at is None or command.now < command.starts_at:
        return []
    return [
        TrialStarted(
            subscription_id=command.subscription_id,
            started_at=command.starts_at,
            ends_at=command.trial_ends_at,
        )
    ]


def _check_instants(command: StartSubscription) -> None:
    anchor, start, now = command.anchor_at, command.starts_at, command.now
    billed_from = command.trial_ends_at or start
    if billed_from > now + AHEAD_MAX:
        raise StartIsTooFar(billed_from.isoformat())
    if start < now - BACKDATED_MAX:
        raise StartIsTooOld(start.isoformat())
    if command.trial_ends_at is not None and command.trial_ends_at <= start:
        raise TrialEndsBeforeTheStart(f"{command.trial_ends_at.isoformat()}")
    if anchor < now - BACKDATED_MAX:
        raise AnchorIsTooOld(anchor.isoformat())
    if anchor > billed_from:
        raise AnchorIsAfterTheStart(f"{anchor.isoformat()} is after {billed_from.isoformat()}")
