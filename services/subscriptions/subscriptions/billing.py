"""What a subscription bills when a stretch of its time ends or begins."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from services.subscriptions.subscriptions.calendar import next_period_from
from services.subscriptions.subscriptions.items import (
    credits_of,
    items_in_advance,
    items_in_arrears,
    kept_items,
    one_off_items,
    running_after,
)
from services.subscriptions.subscriptions.state import Active, Live
from services.subscriptions.subscriptions.terms import Terms
from shared.billing.contracts.subscriptions.billing_items import BillingItem
from shared.billing.contracts.subscriptions.subscriptions import BillingPeriodClosed, ChargesDue
from shared.billing.period import Period
from shared.framework.core.ids import derived_id


def closed_stretch(
    state: Active, at: datetime, after: Terms | None, now: datetime, *, gives_credit: bool = True
) -> Sequence[BillingPeriodClosed | ChargesDue]:
    """The close of the open period at `at`, and what is billed in advance by the terms that hold then.

    `after` None: nothing is billed from `at` on. Time billed in advance that other terms, or none, follow is
    given back. At the period's very start there is nothing to close: the items are due by themselves.
    """
    terms = state.terms
    due = next_period_from(terms, state.next_index)
    start, goes_on = due.period.start, after is terms
    # Also at the very start: a charge of a longer period may have time before it that is not billed yet.
    items = [*state.accrued, *items_in_arrears(terms, start, at, is_last=not goes_on)]
    kept = running_after(state.running, (), at)
    if not goes_on:
        kept = {} if after is None else kept_items(terms, after, kept)
        if gives_credit:
            gone = [item for key, item in state.running.items() if key not in kept]
            items += credits_of(gone, at)
    if after is not None:
        items += one_off_items(after, at, state.billed_once)
        items += items_in_advance(after, at, kept, state.ends_at)
    if at <= start:
        return charges_due(state, items, at, now)
    return [
        BillingPeriodClosed(
            subscription_id=terms.subscription_id,
            customer_id=terms.customer_id,
            subject=terms.subject,
            plan_id=terms.plan_id,
            plan_version=terms.plan_version,
            currency=terms.currency,
            time_zone=terms.time_zone,
            charges=tuple(charge for charge in terms.charges if charge.is_rated_by_period),
            period_index=due.index,
            period=Period(start, at),
            full_period=due.full_period,
            closed_at=now,
            items=tuple(items),
            proration=terms.proration,
        )
    ]


def opened_stretch(state: Live, terms: Terms, now: datetime) -> Sequence[ChargesDue]:
    """What is billed when the terms begin after time that was not billed: in advance, and once."""
    at = terms.since
    items = one_off_items(terms, at, state.billed_once)
    items += items_in_advance(terms, at, running_after(state.running, (), at), state.ends_at)
    return charges_due(state, items, at, now)


def charges_due(
    state: Live, items: Iterable[BillingItem], effective_at: datetime, now: datetime
) -> Sequence[ChargesDue]:
    """The items as an invoice of their own; nothing for none."""
    due, terms = tuple(items), state.terms
    if not due:
        return []
    return [
        ChargesDue(
            # An item is billed once, so the items identify the event.
            due_id=derived_id("due", *(item.item_id for item in due)),
            subscription_id=terms.subscription_id,
            customer_id=terms.customer_id,
            plan_id=terms.plan_id,
            plan_version=terms.plan_version,
            currency=terms.currency,
            time_zone=terms.time_zone,
            proration=terms.proration,
            items=due,
            effective_at=effective_at,
            due_at=now,
        )
    ]
