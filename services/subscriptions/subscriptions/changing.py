"""Changes of a subscription: to other terms, to a pause and back, at once or scheduled."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import msgspec

from services.subscriptions.subscriptions.billing import charges_due, closed_stretch, opened_stretch
from services.subscriptions.subscriptions.calendar import end_of_period_at
from services.subscriptions.subscriptions.commands import ChangeAt, ChangeSubscription
from services.subscriptions.subscriptions.items import (
    arrears_item,
    charge_period,
    credits_of,
    items_in_advance,
    running_after,
)
from services.subscriptions.subscriptions.refusals import (
    ChangeIsEmpty,
    ChangeIsInThePast,
    ChangesConflict,
    ChargeHasNoQuantity,
    PlanChargeIsUnknown,
    PlanCurrencyDiffers,
    QuantityIsInvalid,
    SubscriptionIsCancelled,
    SubscriptionIsNotActive,
    SubscriptionIsNotPaused,
)
from services.subscriptions.subscriptions.state import (
    Active,
    Live,
    Paused,
    SubscriptionEvent,
    Waiting,
    evolve,
)
from services.subscriptions.subscriptions.terms import Terms
from shared.billing.contracts.subscriptions.plans import Charge
from shared.billing.contracts.subscriptions.subscriptions import (
    ChangeScheduled,
    ScheduledChange,
    ScheduledChangeWithdrawn,
    SeatsChanged,
    SubscriptionChanged,
    SubscriptionPaused,
    SubscriptionResumed,
)
from shared.billing.pricing import Price, PriceDoesNotFit, check_terms
from shared.framework.core.refusals import ImpossibleHistory, in_field

QUANTITY_MAX = Decimal(10) ** 12
QUANTITY_PLACES_MAX = 6


def changed(state: Live, command: ChangeSubscription) -> Sequence[SubscriptionEvent]:
    """The change, or its schedule when its instant is to come; nothing if it changes nothing.

    Raises SubscriptionIsCancelled, ChangeIsInThePast, ChangesConflict and what the kind of change refuses.
    """
    at = _instant_of(state, command)
    change = _change_of(state, command, at)
    if state.ends_at is not None and state.ends_at <= at:
        raise SubscriptionIsCancelled(f"it ends at {state.ends_at.isoformat()}")
    if conflict := next((one for one in state.scheduled if _overwrites(one, change)), None):
        raise ChangesConflict(f"with {conflict.change_id} at {conflict.at.isoformat()}")
    if command.at is ChangeAt.NOW or at == command.now:
        _check_kind(state, change)
        events = change_events(state, [change], at, command.now)
        return [event for event in events if not isinstance(event, ScheduledChangeWithdrawn)]
    if conflict := next((one for one in state.scheduled if _conflict(one, change)), None):
        raise ChangesConflict(f"with {conflict.change_id} at {conflict.at.isoformat()}")
    _check_schedule(state, change)
    return [ChangeScheduled(subscription_id=command.subscription_id, change=change, scheduled_at=command.now)]


def change_events(
    state: Live, changes: Iterable[ScheduledChange], at: datetime, now: datetime
) -> Sequence[SubscriptionEvent]:
    """What these changes do at `at`, one after the other, with the close of a period that ends then."""
    events: list[SubscriptionEvent] = []
    for change in changes:
        for event in _one(state, change, at, now):
            evolved = evolve(state, event)
            events.append(event)
            if not isinstance(evolved, Waiting | Active | Paused):
                return events
            state = evolved
    return events


def _one(state: Live, change: ScheduledChange, at: datetime, now: datetime) -> Sequence[SubscriptionEvent]:
    subscription_id = state.terms.subscription_id
    match change.kind, state:
        case "terms", Active():
            return _terms_changed(state, change, at, now)
        case "terms", _:
            after = state.terms.after(change)
            if isinstance(state, Waiting) and after.interval != state.terms.interval:
                after = replace(after, anchor_at=state.terms.since)  # periods begin where the billing does
            return [_terms_event(after, change, now)]
        case "pause", Active():
            paused = SubscriptionPaused(
                subscription_id=subscription_id, paused_from=at, paused_at=now, change_id=change.change_id
            )
            return [*closed_stretch(state, at, None, now), paused]
        case "resume", Paused():
            resumed = SubscriptionResumed(
                subscription_id=subscription_id, billed_from=at, resumed_at=now, change_id=change.change_id
            )
            return [resumed, *opened_stretch(state, state.terms.begun(at), now)]
    return [_nothing_to_do(state, change, now)]  # a pause of what is paused, or the end of no pause


def _terms_changed(
    state: Active, change: ScheduledChange, at: datetime, now: datetime
) -> Sequence[SubscriptionEvent]:
    after = state.terms.after(change)
    due = state.open_period
    within = due is not None and due.period.start < at < due.period.end
    if within and change.charges is None and after.interval == state.terms.interval:
        return _seats_changed(state, change, at, now)
    return [*closed_stretch(state, at, after, now), _terms_event(after, change, now)]


def _seats_changed(
    state: Active, change: ScheduledChange, at: datetime, now: datetime
) -> Sequence[SubscriptionEvent]:
    """Quantities within a period: usage is not cut; what was billed in advance is replaced at once."""
    events: list[SubscriptionEvent] = []
    for key, quantity in sorted(change.quantities.items()):
        charge = next((one for one in state.terms.charges if one.key == key), None)
        if charge is None or quantity == state.terms.quantity(charge):
            continue
        arrears = not charge.in_advance and not charge.one_off
        accrued = (
            arrears_item(state.terms, charge, charge_period(state.terms, charge, at), at) if arrears else []
        )
        event = SeatsChanged(
            subscription_id=state.terms.subscription_id,
            charge_key=key,
            quantity=quantity,
            accrued=tuple(accrued),
            effective_at=at,
            changed_at=now,
            change_id=change.change_id,
        )
        running = running_after(state.running, (), at)
        after = state.terms.with_seats(event)
        items = credits_of([item for one, item in running.items() if one == key], at)
        if charge.in_advance:
            rest = {one: item for one, item in running.items() if one != key}
            only = [one for one in items_in_advance(after, at, rest, state.ends_at) if one.charge.key == key]
            items += only
        replaced: Sequence[SubscriptionEvent] = [*charges_due(state, items, at, now), event]
        for each in replaced:
            events.append(each)
            evolved = evolve(state, each)
            if not isinstance(evolved, Active):
                raise ImpossibleHistory(evolved, each)
            state = evolved
    return events or [_nothing_to_do(state, change, now)]


def _terms_event(after: Terms, change: ScheduledChange, now: datetime) -> SubscriptionChanged:
    return SubscriptionChanged(
        subscription_id=after.subscription_id,
        plan_id=after.plan_id,
        plan_version=after.plan_version,
        interval=after.interval,
        charges=after.charges,
        quantities=dict(after.quantities),
        proration=after.proration,
        anchor_at=after.anchor_at,
        effective_at=change.at,
        changed_at=now,
        change_id=change.change_id,
    )


def _nothing_to_do(state: Live, change: ScheduledChange, now: datetime) -> ScheduledChangeWithdrawn:
    return ScheduledChangeWithdrawn(
        subscription_id=state.terms.subscription_id, change_id=change.change_id, withdrawn_at=now
    )


def _instant_of(state: Live, command: ChangeSubscription) -> datetime:
    match command.at:
        case ChangeAt.NOW:
            return command.now
        case ChangeAt.PERIOD_END:
            if not isinstance(state, Active):
                raise SubscriptionIsNotActive(command.subscription_id)
            return end_of_period_at(state.terms, command.now, state.next_index)
        case ChangeAt.DATE:
            at = command.effective_at
            if at is None or at < command.now:
                raise ChangeIsInThePast("" if at is None else at.isoformat())
            return at


def _change_of(state: Live, command: ChangeSubscription, at: datetime) -> ScheduledChange:
    """The change with everything copied that it needs, so that later versions of the plan do not change it.

    Raises PlanCurrencyDiffers, ChangeIsEmpty, PlanChargeIsUnknown, ChargeHasNoQuantity, QuantityIsInvalid and
    PriceDoesNotFit.
    """
    change = ScheduledChange(change_id=command.change_id, at=at, kind=command.kind)
    if command.kind != "terms":
        return change
    plan, terms = command.plan, state.terms
    if plan is None and not command.quantities and not command.prices:
        raise ChangeIsEmpty
    if plan is not None:
        if terms.currency not in plan.currencies:
            raise PlanCurrencyDiffers(
                f"plan {', '.join(sorted(plan.currencies))}, subscription {terms.currency}"
            )
        change = msgspec.structs.replace(
            change,
            plan_id=plan.plan_id,
            plan_version=plan.version,
            interval=plan.interval,
            proration=plan.proration,
        )
    charges = terms.charges if plan is None else plan.charges_in(terms.currency)
    own = repriced(charges, command.prices)
    quantities = checked_quantities(charges, command.quantities)
    is_seats = plan is None and not command.prices
    return msgspec.structs.replace(change, charges=None if is_seats else own, quantities=quantities)


def repriced(charges: tuple[Charge, ...], prices: Mapping[str, Price]) -> tuple[Charge, ...]:
    """The charges with this subscription's own prices.

    Raises PlanChargeIsUnknown, PriceDoesNotFit, and what a price and its terms are refused for.
    """
    known = {charge.key: charge for charge in charges}
    for key, price in prices.items():
        with in_field("prices", key):
            if key not in known:
                raise PlanChargeIsUnknown(key)
            if price.needs_meter is not known[key].price.needs_meter:
                raise PriceDoesNotFit(key)
            price.check()
            check_terms(price, known[key], has_meter=known[key].meter_key is not None)
    return tuple(
        msgspec.structs.replace(charge, price=prices.get(charge.key, charge.price)) for charge in charges
    )


def checked_quantities(charges: tuple[Charge, ...], quantities: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """The quantities. Raises PlanChargeIsUnknown, ChargeHasNoQuantity and QuantityIsInvalid."""
    known = {charge.key: charge for charge in charges}
    for key, quantity in quantities.items():
        with in_field("quantities", key):
            if key not in known:
                raise PlanChargeIsUnknown(key)
            if not known[key].seats:
                raise ChargeHasNoQuantity(key)
            exponent = quantity.as_tuple().exponent
            is_number = isinstance(exponent, int) and -exponent <= QUANTITY_PLACES_MAX
            if not is_number or not 0 <= quantity <= QUANTITY_MAX:
                raise QuantityIsInvalid(str(quantity))
    return dict(quantities)


def _conflict(one: ScheduledChange, other: ScheduledChange) -> bool:
    """Whether the order of two changes at one instant would matter."""
    if one.at != other.at:
        return False
    if one.kind != "terms" or other.kind != "terms":
        return True
    return (one.charges is not None and other.charges is not None) or bool(
        one.quantities.keys() & other.quantities.keys()
    )


def _overwrites(one: ScheduledChange, other: ScheduledChange) -> bool:
    """Whether the later of two changes has own prices alone, for charges that the earlier one changes."""
    earlier, later = sorted((one, other), key=lambda change: change.at)
    return later.charges is not None and later.plan_id is None and earlier.charges is not None


def _check_kind(state: Live, change: ScheduledChange) -> None:
    if change.kind == "pause" and not isinstance(state, Active):
        raise SubscriptionIsNotActive(state.terms.subscription_id)
    if change.kind == "resume" and not isinstance(state, Paused):
        raise SubscriptionIsNotPaused(state.terms.subscription_id)


def _check_schedule(state: Live, change: ScheduledChange) -> None:
    """Refuse a pause that will find a pause, and an end of a pause that will find none."""
    earlier = [one.kind for one in state.scheduled if one.at < change.at and one.kind != "terms"]
    is_paused = earlier[-1] == "pause" if earlier else isinstance(state, Paused)
    if change.kind == "pause" and (is_paused or isinstance(state, Waiting)):
        raise SubscriptionIsNotActive(state.terms.subscription_id)
    if change.kind == "resume" and not is_paused:
        raise SubscriptionIsNotPaused(state.terms.subscription_id)
    if change.kind == "terms" and isinstance(state, Waiting):
        raise SubscriptionIsNotActive(state.terms.subscription_id)
