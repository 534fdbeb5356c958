"""The items that are due when a stretch of a subscription's time begins, ends or changes."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from services.subscriptions.subscriptions.calendar import period_of
from services.subscriptions.subscriptions.terms import Terms
from shared.billing.contracts.subscriptions.billing_items import BillingItem
from shared.billing.contracts.subscriptions.plans import Charge
from shared.billing.period import Interval, Period
from shared.framework.core.ids import derived_id

RunningItems = Mapping[str, BillingItem]
"""Items billed in advance whose time has not passed, by charge key."""


def items_in_advance(
    terms: Terms, at: datetime, running: RunningItems, ends_at: datetime | None
) -> list[BillingItem]:
    """What is billed in advance from `at` on: charges of which no item runs, up to their period's end."""
    items = []
    for charge in terms.charges:
        if not charge.in_advance or charge.one_off or charge.key in running:
            continue
        full = charge_period(terms, charge, at)
        end = full.end if ends_at is None else min(full.end, ends_at)
        if at < end:
            items.append(_item(terms, charge, Period(max(full.start, at), end), full))
    return items


def items_in_arrears(terms: Terms, start: datetime, end: datetime, *, is_last: bool) -> list[BillingItem]:
    """What is billed in arrears when the stretch [start, end) is over: seats, and charges of longer periods.

    A charge of a longer period is due when that ends, or with the last stretch of these terms (`is_last`).
    """
    items = []
    for charge in terms.charges:
        if charge.is_rated_by_period or charge.in_advance or charge.one_off:
            continue
        full = charge_period(terms, charge, start)
        if charge.interval is None or is_last or full.end <= end:
            items.extend(arrears_item(terms, charge, full, end))
    return items


def arrears_item(terms: Terms, charge: Charge, full: Period, end: datetime) -> list[BillingItem]:
    """What is billed in arrears of a charge, from where its present quantity holds up to `end`."""
    start = max(full.start, terms.since, terms.seats_since.get(charge.key, full.start))
    return [_item(terms, charge, Period(start, end), full)] if start < end else []


def one_off_items(terms: Terms, at: datetime, billed: frozenset[str]) -> list[BillingItem]:
    """The one-off charges that were not billed yet."""
    return [
        BillingItem(item_id=_item_id(terms, charge, at), charge=charge, quantity=terms.quantity(charge))
        for charge in terms.charges
        if charge.one_off and charge.key not in billed
    ]


def credits_of(running: Iterable[BillingItem], at: datetime) -> list[BillingItem]:
    """What is given back of items billed in advance: their time from `at` on."""
    return [
        msgspec.structs.replace(
            item,
            item_id=derived_id("itm", item.item_id, "credit", at.isoformat()),
            period=Period(max(at, item.period.start), item.period.end),
            credit_of=item.item_id,
        )
        for item in running
        if item.period is not None and at < item.period.end
    ]


def kept_items(before: Terms, after: Terms, running: RunningItems) -> RunningItems:
    """The running items that go on under other terms: of the same charge, quantity and calendar."""
    if before.anchor_at != after.anchor_at or before.interval != after.interval:
        return {}
    same = {charge.key: charge for charge in after.charges}
    return {
        key: item
        for key, item in running.items()
        if same.get(key) == item.charge and after.quantity(item.charge) == item.quantity
    }


def running_after(running: RunningItems, items: Sequence[BillingItem], at: datetime) -> RunningItems:
    """The running items after these were billed, without those whose time has passed at `at`."""
    credited = {item.credit_of for item in items if item.credit_of is not None}
    kept = {key: item for key, item in running.items() if item.item_id not in credited}
    new = {
        item.charge.key: item
        for item in items
        if item.charge.in_advance and item.period is not None and item.credit_of is None
    }
    return {
        key: item for key, item in {**kept, **new}.items() if item.period is not None and at < item.period.end
    }


def charge_period(terms: Terms, charge: Charge, at: datetime) -> Period:
    """The charge's own period in which an instant lies."""
    return period_of(terms, Interval.parse(charge.interval or terms.interval), at)


def _item(terms: Terms, charge: Charge, period: Period, full: Period) -> BillingItem:
    return BillingItem(
        item_id=_item_id(terms, charge, period.start),
        charge=charge,
        quantity=terms.quantity(charge),
        period=period,
        full_period=full,
    )


def _item_id(terms: Terms, charge: Charge, start: datetime) -> str:
    """Derived, so that a charge is billed once for a stretch of one revision of the terms."""
    return derived_id("itm", terms.subscription_id, charge.key, str(terms.revision), start.isoformat())
