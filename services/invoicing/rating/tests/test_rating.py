"""Prices times quantities, to the cent."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.invoicing.rating.items import lines_of_billing_items
from services.invoicing.rating.rating import (
    OneOffLine,
    RatingContext,
    UsageDetailIsMissing,
    lines_of_items,
    lines_of_period,
)
from services.invoicing.tests.scenarios import CALLS, FEE, JANUARY, MILES, quantity
from shared.billing.contracts.metering.readings import MeterQuantity
from shared.billing.contracts.subscriptions.billing_items import BillingItem
from shared.billing.contracts.subscriptions.plans import Charge
from shared.billing.money import Money
from shared.billing.period import Period
from shared.billing.pricing import Flat, Graduated, Tier, exact_sum


def bill(period: Period = JANUARY, currency: str = "USD", time_zone: str = "UTC") -> RatingContext:
    return RatingContext(
        invoice_id="inv_1", currency=currency, time_zone=time_zone, period=period, full_period=JANUARY
    )


def amounts(
    charges: tuple[Charge, ...], *quantities: MeterQuantity, of: RatingContext | None = None
) -> list[int]:
    return [line.amount.minor for line in lines_of_period(of or bill(), charges, quantities)]


def test_every_charge_becomes_a_line_in_the_order_of_the_plan() -> None:
    """49.00, then 100 at 0.02 and 20 at 0.01."""
    lines = lines_of_period(bill(), (FEE, CALLS), [quantity("calls", "120")])
    assert [(line.charge_key, line.quantity, line.amount.minor) for line in lines] == [
        ("fee", Decimal(1), 4900),
        ("calls", Decimal(120), 220),
    ]
    assert [step.amount for step in lines[1].steps] == [Decimal("2.00"), Decimal("0.20")]


def test_a_meter_that_counted_nothing_has_a_line_of_nothing() -> None:
    """The customer sees that nothing was used."""
    assert amounts((CALLS,)) == [0]


def test_a_meter_with_dimensions_has_a_line_for_each_combination() -> None:
    """Each is rated by itself, in a stable order, and its description names the dimensions."""
    read = [quantity("miles", "800", origin="LGA"), quantity("miles", "400", origin="EWR")]
    lines = lines_of_period(bill(), (MILES,), read)
    assert [(line.description, line.amount.minor) for line in lines] == [
        ("Miles (origin=EWR)", 500),
        ("Miles (origin=LGA)", 1000),
    ]
    assert len({line.line_id for line in lines}) == 2


def test_usage_in_another_detail_than_the_price_needs_is_not_billed_as_zero() -> None:
    """The billing run fails with the reason, rather than with an invoice of nothing."""
    hourly = msgspec.structs.replace(quantity("calls", "120"), detail="hours", parts=(Decimal(120),))
    with pytest.raises(UsageDetailIsMissing, match="total of calls"):
        lines_of_period(bill(), (CALLS,), [hourly])
    assert amounts((CALLS,), hourly, quantity("calls", "120")) == [220]


def test_a_line_is_rounded_once_from_its_exact_steps() -> None:
    """0.0125 x 1.4 = 0.0175, and 0.0125 x 0.4 = 0.005 is a cent, half away from zero."""
    assert amounts((MILES,), quantity("miles", "1.4")) == [2]
    assert amounts((MILES,), quantity("miles", "0.4")) == [1]
    assert amounts((MILES,), quantity("miles", "0.39")) == [0]


@pytest.mark.parametrize(
    ("price", "days", "currency", "minor"),
    [("100", 15, "USD", 4839), ("100", 10, "USD", 3226), ("1000", 10, "JPY", 323), ("5", 17, "USD", 274)],
)
def test_a_flat_fee_is_due_for_the_days_that_were_had(
    price: str, days: int, currency: str, minor: int
) -> None:
    """Vectors V50 and V51: amount x days / days of the real full period."""
    period = Period(JANUARY.start, JANUARY.start.replace(day=days + 1))
    charge = Charge(key="fee", name="Fee", price=Flat(amount=Decimal(price)))
    assert amounts((charge,), of=bill(period, currency)) == [minor]


def test_a_part_that_has_no_exact_decimal_still_rounds_right() -> None:
    """0.155 x 1/31 is exactly half a cent; a factor of 0.0322... would make it less."""
    period = Period(JANUARY.start, JANUARY.start.replace(day=2))
    charge = Charge(key="fee", name="Fee", price=Flat(amount=Decimal("0.155")))
    assert amounts((charge,), of=bill(period)) == [1]


def test_days_are_the_customers_own() -> None:
    """A day of 23 hours counts one: 29 March 2026 in Berlin."""
    day = Period(datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC))
    charge = Charge(key="fee", name="Fee", price=Flat(amount=Decimal(31)))
    assert amounts((charge,), of=bill(day, "EUR", "Europe/Berlin")) == [100]


def test_usage_is_not_prorated() -> None:
    """Usage of half a month is billed in full."""
    half = Period(JANUARY.start, JANUARY.start.replace(day=16))
    assert amounts((CALLS,), quantity("calls", "120"), of=bill(half)) == [220]


@given(
    st.decimals(0, 10**12, places=6, allow_nan=False),
    st.decimals(0, 10**6, places=12, allow_nan=False),
    st.sampled_from(["USD", "JPY", "KWD"]),
)
def test_any_item_is_within_half_a_unit_of_its_exact_price(
    amount: Decimal, unit_price: Decimal, currency: str
) -> None:
    """For all digits, the steps are exact before the one rounding."""
    [line] = lines_of_items(
        "inv_1", currency, [OneOffLine(description="x", quantity=amount, unit_price=unit_price)]
    )
    assert abs(line.amount.major - exact_sum(line.steps)) * 2 <= Money(1, currency).major


def test_the_fee_of_a_step_is_prorated_with_it() -> None:
    """Seats by tiers for half of January: quantity x unit price + fee is still the amount of the step."""
    tiers = (Tier(up_to=None, unit_price=Decimal(2), flat_fee=Decimal(10)),)
    seats = Charge(key="seats", name="Seats", price=Graduated(tiers=tiers), seats=True)
    half = Period(JANUARY.start, JANUARY.start + (JANUARY.end - JANUARY.start) / 2)
    item = BillingItem(item_id="itm_1", charge=seats, quantity=Decimal(5), period=half, full_period=JANUARY)
    [(_, line)] = lines_of_billing_items("inv_1", "USD", "UTC", "second", [item])
    [step] = line.steps
    assert (step.quantity, step.fee, step.amount) == (Decimal("2.5"), Decimal(5), Decimal(10))
    assert line.sentence == "2 USD per unit plus 10 USD."
