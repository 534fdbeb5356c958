"""Changes of a subscription: plans, seats, pauses, trials and schedules."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from services.subscriptions.subscriptions.commands import CancelAt, ChangeAt
from services.subscriptions.subscriptions.refusals import (
    ChangeIsEmpty,
    ChangeIsInThePast,
    ChangeIsUnknown,
    ChangesConflict,
    ChargeHasNoQuantity,
    EndIsInThePast,
    PlanChargeIsUnknown,
    PlanCurrencyDiffers,
    QuantityIsInvalid,
    SubscriptionHasEnded,
    SubscriptionIsBehind,
    SubscriptionIsCancelled,
    SubscriptionIsNotActive,
    SubscriptionIsNotCancelled,
    SubscriptionIsNotPaused,
)
from services.subscriptions.subscriptions.state import Active, Ended, Paused, Waiting
from services.subscriptions.subscriptions.tests.life import (
    ADVANCE,
    DESKS,
    SEATS,
    SETUP,
    YEARLY,
    Life,
    items_of,
    plan_of,
)
from services.subscriptions.tests.scenarios import CALLS, FEE, NOON, on
from shared.billing.contracts.subscriptions.billing_items import BillingItem
from shared.billing.contracts.subscriptions.subscriptions import (
    BillingPeriodClosed,
    ChargesDue,
    ScheduledChangeWithdrawn,
    SubscriptionActivated,
    SubscriptionChanged,
    SubscriptionEnded,
    SubscriptionPaused,
    SubscriptionResumed,
)
from shared.billing.period import Period

MARCH_1 = datetime.fromisoformat("2026-02-28T23:00:00+00:00")  # midnight in Berlin
APRIL_1 = datetime.fromisoformat("2026-03-31T22:00:00+00:00")
MARCH_15 = datetime.fromisoformat("2026-03-14T23:00:00+00:00")


def begun(*charges: object, **changes: object) -> Life:
    """A life that starts on 1 March in Berlin."""
    life = Life(MARCH_1)
    life.start(plan_of(*charges), **changes)  # type: ignore[arg-type]
    return life


def parts(items: list[BillingItem]) -> list[tuple[str, str, str, datetime | None, datetime | None]]:
    """Key, sign, quantity and time of items."""
    return [
        (
            item.charge.key,
            "-" if item.credit_of else "+",
            str(item.quantity),
            item.period.start if item.period else None,
            item.period.end if item.period else None,
        )
        for item in items
    ]


def test_charges_in_advance_and_once_are_due_with_the_start() -> None:
    """Those in arrears and usage are not."""
    life = begun(FEE, CALLS, ADVANCE, YEARLY, SETUP, DESKS)
    assert parts(life.items) == [
        ("setup", "+", "1", None, None),
        ("base", "+", "1", MARCH_1, APRIL_1),
        ("support", "+", "1", MARCH_1, MARCH_1.replace(year=2027)),
    ]


def test_the_end_of_a_period_bills_it_in_arrears_and_the_next_one_in_advance() -> None:
    """In one event, so they are one invoice."""
    life = begun(FEE, CALLS, ADVANCE, DESKS, quantities={"desks": Decimal(3)})
    (closed,) = life.move(APRIL_1)
    assert isinstance(closed, BillingPeriodClosed)
    assert [charge.key for charge in closed.charges] == ["fee", "calls"]
    assert parts(list(closed.items)) == [
        ("desks", "+", "3", MARCH_1, APRIL_1),
        ("base", "+", "1", APRIL_1, on(4, 30, hour=22)),
    ]


def test_an_upgrade_closes_the_period_gives_back_unused_time_and_bills_the_rest() -> None:
    """17 of 31 days of either price (vector V47)."""
    life = begun(CALLS, ADVANCE)
    life.move(MARCH_15)
    dearer = plan_of(CALLS, ADVANCE.__class__(key="base", name="Base", price=FEE.price, in_advance=True))
    closed, changed = life.change(plan=dearer)
    assert isinstance(closed, BillingPeriodClosed)
    assert isinstance(changed, SubscriptionChanged)
    assert (closed.period, closed.full_period) == (Period(MARCH_1, MARCH_15), Period(MARCH_1, APRIL_1))
    assert parts(list(closed.items)) == [
        ("base", "-", "1", MARCH_15, APRIL_1),
        ("base", "+", "1", MARCH_15, APRIL_1),
    ]
    (rest,) = life.move(APRIL_1)
    assert isinstance(rest, BillingPeriodClosed)
    assert (rest.period, rest.full_period) == (Period(MARCH_15, APRIL_1), Period(MARCH_1, APRIL_1))


def test_what_is_the_same_in_both_plans_goes_on() -> None:
    """No credit and no new charge of it."""
    life = begun(ADVANCE, YEARLY)
    life.move(MARCH_15)
    assert parts(items_of(life.change(plan=plan_of(YEARLY, version=2)))) == [
        ("base", "-", "1", MARCH_15, APRIL_1)
    ]


def test_another_interval_counts_its_periods_from_the_change() -> None:
    """What was billed in advance is given back, as its calendar is another."""
    life = begun(ADVANCE)
    life.move(MARCH_15)
    items = items_of(life.change(plan=plan_of(ADVANCE, interval="P1Y")))
    assert parts(items) == [
        ("base", "-", "1", MARCH_15, APRIL_1),
        ("base", "+", "1", MARCH_15, MARCH_15.replace(year=2027)),
    ]


def test_seats_in_advance_are_replaced_at_once_and_usage_is_not_cut() -> None:
    """5 to 10 seats on 15 March: -5 and +10 for 17 of 31 days (vector V47)."""
    life = begun(CALLS, SEATS, quantities={"seats": Decimal(5)})
    life.move(MARCH_15)
    due, _ = life.change(quantities={"seats": Decimal(10)})
    assert isinstance(due, ChargesDue)
    assert parts(list(due.items)) == [
        ("seats", "-", "5", MARCH_15, APRIL_1),
        ("seats", "+", "10", MARCH_15, APRIL_1),
    ]
    (closed,) = life.move(APRIL_1)
    assert isinstance(closed, BillingPeriodClosed)
    assert closed.period == Period(MARCH_1, APRIL_1)
    assert [item.quantity for item in closed.items] == [Decimal(10)]


def test_seats_in_arrears_are_billed_by_time_with_the_period() -> None:
    """Each quantity for as long as it was."""
    life = begun(DESKS, quantities={"desks": Decimal(2)})
    life.move(MARCH_15)
    assert items_of(life.change(quantities={"desks": Decimal(7)})) == []
    assert parts(items_of(life.move(APRIL_1))) == [
        ("desks", "+", "2", MARCH_1, MARCH_15),
        ("desks", "+", "7", MARCH_15, APRIL_1),
    ]


def test_a_change_at_the_period_end_gives_nothing_back() -> None:
    """The new plan's time in advance follows the old plan's."""
    life = begun(ADVANCE)
    life.change(plan=plan_of(SEATS, version=2), at=ChangeAt.PERIOD_END)
    closed, changed = life.move(APRIL_1)
    assert isinstance(closed, BillingPeriodClosed)
    assert [(item.charge.key, item.credit_of) for item in closed.items] == [("seats", None)]
    assert isinstance(changed, SubscriptionChanged)
    assert changed.effective_at == APRIL_1


def test_a_scheduled_change_can_be_withdrawn() -> None:
    """It is then not carried out, and cannot be withdrawn again."""
    life = begun(ADVANCE)
    life.change(plan=plan_of(SEATS, version=2), at=ChangeAt.PERIOD_END)
    assert isinstance(life.withdraw("chg_1")[0], ScheduledChangeWithdrawn)
    assert len(life.move(APRIL_1)) == 1
    with pytest.raises(ChangeIsUnknown):
        life.withdraw("chg_1")


def test_a_pause_bills_nothing_and_gives_back_what_was_billed_in_advance() -> None:
    """Resumed, the periods are counted as before."""
    life = begun(CALLS, ADVANCE)
    life.move(MARCH_15)
    closed, paused = life.change(kind="pause")
    assert isinstance(closed, BillingPeriodClosed)
    assert isinstance(paused, SubscriptionPaused)
    assert parts(list(closed.items)) == [("base", "-", "1", MARCH_15, APRIL_1)]
    assert life.move(on(5, 10)) == []
    resumed, due = life.change(kind="resume")
    assert isinstance(resumed, SubscriptionResumed)
    assert isinstance(due, ChargesDue)
    end_of_may = on(5, 31, hour=22)
    assert parts(list(due.items)) == [("base", "+", "1", on(5, 10), end_of_may)]
    (closed,) = life.move(end_of_may)
    assert isinstance(closed, BillingPeriodClosed)
    assert closed.period == Period(on(5, 10), end_of_may)


def test_a_trial_is_free_and_billing_begins_at_its_end() -> None:
    """The anchor is there too."""
    life = Life(MARCH_1)
    life.start(plan_of(CALLS, ADVANCE, SETUP), trial_ends_at=MARCH_15, anchor_at=MARCH_15)
    assert life.items == []
    assert isinstance(life.state, Waiting)
    assert life.state.in_trial
    activated, due = life.move(MARCH_15)
    assert isinstance(activated, SubscriptionActivated)
    assert isinstance(due, ChargesDue)
    assert [item.charge.key for item in due.items] == ["setup", "base"]
    (closed,) = life.move(on(4, 14, hour=22))
    assert isinstance(closed, BillingPeriodClosed)
    assert closed.period.start == MARCH_15


@pytest.mark.parametrize(("at_trial_end", "state"), [("cancel", Ended), ("pause", Paused), ("bill", Active)])
def test_the_end_of_a_trial_is_the_plans_choice(at_trial_end: str, state: type[object]) -> None:
    """Only `bill` bills."""
    life = Life(MARCH_1)
    life.start(plan_of(ADVANCE), trial_ends_at=MARCH_15, anchor_at=MARCH_15, at_trial_end=at_trial_end)
    life.move(MARCH_15)
    assert isinstance(life.state, state)
    assert bool(life.items) is (at_trial_end == "bill")


def test_a_trial_that_is_cancelled_bills_nothing() -> None:
    """Also cancelled with the period: then it ends with the trial."""
    for at, ends_at in ((CancelAt.NOW, MARCH_1), (CancelAt.PERIOD_END, MARCH_15)):
        life = Life(MARCH_1)
        life.start(plan_of(ADVANCE, SETUP), trial_ends_at=MARCH_15, anchor_at=MARCH_15)
        life.cancel(at)
        life.move(APRIL_1)
        assert isinstance(life.state, Ended)
        assert (life.state.ended_at, life.items) == (ends_at, [])


def test_a_start_in_the_future_waits() -> None:
    """Nothing is due before."""
    life = Life(MARCH_1)
    life.start(plan_of(ADVANCE), starts_at=MARCH_15, anchor_at=MARCH_15)
    assert life.items == []
    assert parts(items_of(life.move(MARCH_15))) == [("base", "+", "1", MARCH_15, on(4, 14, hour=22))]


@pytest.mark.parametrize("gives_credit", [True, False])
def test_a_cancellation_gives_back_the_unused_time_if_it_says_so(gives_credit: bool) -> None:
    """Of the yearly charge, which outlasts the month."""
    life = begun(YEARLY)
    life.cancel(CancelAt.PERIOD_END, gives_credit=gives_credit)
    closed, ended = life.move(APRIL_1)
    assert isinstance(closed, BillingPeriodClosed)
    assert isinstance(ended, SubscriptionEnded)
    expected = [("support", "-", "1", APRIL_1, MARCH_1.replace(year=2027))]
    assert parts(list(closed.items)) == (expected if gives_credit else [])


def test_a_cancellation_at_a_date_cuts_the_period_there() -> None:
    """And it can be withdrawn before."""
    life = begun(CALLS, ADVANCE)
    life.cancel(CancelAt.DATE, ends_at=MARCH_15)
    life.reactivate()
    (closed,) = life.move(APRIL_1)
    assert isinstance(closed, BillingPeriodClosed)
    life.cancel(CancelAt.DATE, ends_at=on(4, 10))
    closed, _ = life.move(on(4, 10))
    assert isinstance(closed, BillingPeriodClosed)
    assert closed.period == Period(APRIL_1, on(4, 10))
    with pytest.raises(SubscriptionHasEnded):
        life.reactivate()


def test_changes_are_refused_by_name_and_leave_nothing() -> None:
    """Each with the rule that it breaks."""
    life = begun(FEE, SEATS)
    dollars, before = plan_of(FEE, currency="USD"), len(life.history)
    with pytest.raises(PlanCurrencyDiffers):
        life.change(plan=dollars)
    with pytest.raises(ChangeIsEmpty):
        life.change()
    with pytest.raises(PlanChargeIsUnknown):
        life.change(quantities={"desks": Decimal(1)})
    with pytest.raises(ChargeHasNoQuantity):
        life.change(quantities={"fee": Decimal(2)})
    for wrong in ("-1", "1.0000001", "1e13", "NaN"):
        with pytest.raises(QuantityIsInvalid):
            life.change(quantities={"seats": Decimal(wrong)})
    with pytest.raises(ChangeIsInThePast):
        life.change(quantities={"seats": Decimal(2)}, at=ChangeAt.DATE, effective_at=on(1, 1))
    with pytest.raises(SubscriptionIsNotPaused):
        life.change(kind="resume")
    with pytest.raises(SubscriptionIsNotCancelled):
        life.reactivate()
    with pytest.raises(EndIsInThePast):
        life.cancel(CancelAt.DATE, ends_at=on(1, 1))
    assert len(life.history) == before


def test_conflicting_schedules_are_refused() -> None:
    """Two plans at one instant, or anything beside a pause; other seats are no conflict."""
    life = begun(SEATS, DESKS)
    life.change(quantities={"seats": Decimal(2)}, at=ChangeAt.PERIOD_END)
    life.change(quantities={"desks": Decimal(2)}, at=ChangeAt.PERIOD_END)
    with pytest.raises(ChangesConflict):
        life.change(quantities={"seats": Decimal(3)}, at=ChangeAt.PERIOD_END)
    with pytest.raises(ChangesConflict):
        life.change(kind="pause", at=ChangeAt.PERIOD_END)
    life.change(kind="pause", at=ChangeAt.DATE, effective_at=MARCH_15)
    with pytest.raises(SubscriptionIsNotActive):
        life.change(kind="pause", at=ChangeAt.DATE, effective_at=MARCH_15 + timedelta(days=1))


def test_what_ends_before_a_change_is_not_changed() -> None:
    """Nor what has ended."""
    life = begun(SEATS)
    life.cancel(CancelAt.PERIOD_END)
    with pytest.raises(SubscriptionIsCancelled):
        life.change(quantities={"seats": Decimal(2)}, at=ChangeAt.PERIOD_END)
    life.move(APRIL_1)
    with pytest.raises(SubscriptionHasEnded):
        life.change(quantities={"seats": Decimal(2)})


def test_a_change_first_makes_up_for_what_is_due() -> None:
    """Timers may be late; one command closes at most a hundred periods."""
    life = begun(ADVANCE)
    life.now = on(6, 10)
    closed = [e for e in life.change(plan=plan_of(SEATS)) if isinstance(e, BillingPeriodClosed)]
    assert len(closed) == 4
    life = Life(MARCH_1)
    life.start(plan_of(ADVANCE, interval="P1D"))
    life.now = on(12, 31)
    with pytest.raises(SubscriptionIsBehind):
        life.change(plan=plan_of(SEATS))


@pytest.mark.parametrize("ending", ["cancel", "pause", "plan"])
def test_an_end_on_a_boundary_bills_what_a_longer_charge_has_left(ending: str) -> None:
    """Desks of a quarter, in arrears: after two closed months those are billed, though no period is open."""
    quarterly = DESKS.__class__(key="desks", name="Desks", price=DESKS.price, seats=True, interval="P3M")
    life = Life(NOON)
    life.start(plan_of(quarterly))
    boundary = life.move(NOON + timedelta(days=65))[-1]
    assert isinstance(boundary, BillingPeriodClosed)
    life = Life(NOON)
    life.start(plan_of(quarterly))
    life.move(boundary.period.end)
    match ending:
        case "cancel":
            life.cancel(CancelAt.NOW)
        case "pause":
            life.change(kind="pause")
        case "plan":
            life.change(plan=plan_of(ADVANCE, version=2))
    billed = [item.period for item in life.items if item.charge.key == "desks"]
    assert billed == [Period(NOON, boundary.period.end)]


def test_a_reactivation_bills_what_the_end_had_cut() -> None:
    """Cancelled at a date in the next month, which is billed up to it; reactivated, up to its real end."""
    life = Life(NOON)
    life.start(plan_of(ADVANCE))
    ends_at = NOON + timedelta(days=40)
    life.cancel(CancelAt.DATE, ends_at=ends_at)
    life.move(NOON + timedelta(days=35))
    life.reactivate()
    cut, back, again = life.items[-3:]
    assert cut.period is not None
    assert cut.full_period is not None
    assert cut.period.end == ends_at
    assert (back.credit_of, back.period) == (cut.item_id, Period(life.now, ends_at))
    assert again.period == Period(life.now, cut.full_period.end)
    assert len({item.item_id for item in life.items}) == len(life.items)


def test_own_prices_to_come_are_not_laid_over_another_plan() -> None:
    """They were made for the charges of now; whoever changes those first withdraws them first."""
    life = begun(FEE, SEATS)
    prices = {"seats": SEATS.price}
    life.change(prices=prices, at=ChangeAt.PERIOD_END)
    with pytest.raises(ChangesConflict):
        life.change(plan=plan_of(ADVANCE, version=2))
    life.withdraw("chg_1")
    life.change(plan=plan_of(SEATS, version=2), at=ChangeAt.DATE, effective_at=MARCH_15)
    with pytest.raises(ChangesConflict):
        life.change(prices=prices, at=ChangeAt.PERIOD_END)


def test_another_interval_in_a_trial_counts_from_where_the_billing_begins() -> None:
    """The first year is whole."""
    life = Life(MARCH_1)
    life.start(plan_of(ADVANCE), trial_ends_at=MARCH_15, anchor_at=MARCH_15)
    life.change(plan=plan_of(ADVANCE, interval="P1Y", version=2))
    assert parts(items_of(life.move(MARCH_15))) == [("base", "+", "1", MARCH_15, MARCH_15.replace(year=2027))]
