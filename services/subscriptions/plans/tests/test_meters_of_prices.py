"""A price may need more of its meter than a total: what the meter does not have is refused at its price."""

from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest

from services.subscriptions.plans.charges import MeterHasNoEventValues, PriceDimensionIsUnknown
from services.subscriptions.plans.tests.test_plan import CALLS_REGISTERED, PUBLISH, plan
from services.subscriptions.tests.scenarios import CALLS, PLAN_ONE
from shared.billing.contracts.subscriptions.plans import Charge, CurrencyPrice
from shared.billing.pricing import Bucketed, CustomUnits, Matrix, MatrixCell, Percentage, PerUnit, Price
from shared.framework.core.refusals import Refusal

ONE = PerUnit(unit_price=Decimal(1))
PERCENT = Percentage(percent=Decimal(1))
BY_REGION = Matrix(dimensions=("region",), cells=(MatrixCell(values={"region": "eu"}, price=ONE),))
TOLD_APART = msgspec.structs.replace(CALLS_REGISTERED, has_event_values=False)
GROUPED = msgspec.structs.replace(CALLS_REGISTERED, group_by=("region", "size"))


def in_credits(price: Percentage | Matrix) -> CustomUnits:
    return CustomUnits(unit="credit", decimal_places=2, unit_price=Decimal(1), price=price)


def priced(price: Price) -> Charge:
    return msgspec.structs.replace(CALLS, price=price)


CASES = [
    (PERCENT, TOLD_APART, CALLS_REGISTERED, MeterHasNoEventValues),
    (in_credits(PERCENT), TOLD_APART, CALLS_REGISTERED, MeterHasNoEventValues),
    (BY_REGION, CALLS_REGISTERED, GROUPED, PriceDimensionIsUnknown),
    (in_credits(BY_REGION), CALLS_REGISTERED, GROUPED, PriceDimensionIsUnknown),
]


@pytest.mark.parametrize(("price", "wrong", "right", "refusal"), CASES)
def test_a_price_that_needs_what_the_meter_does_not_have_is_refused(
    price: Price, wrong: object, right: object, refusal: type[Refusal]
) -> None:
    """At its field, in each currency; a meter that has it is taken."""
    asked = replace(PUBLISH, charges=(priced(price),), registered_meters={"calls": wrong})  # type: ignore[dict-item]
    refused = plan.when(asked).refuses(refusal)
    assert (refused.field, "calls" in str(refused)) == (("charges", 0, "price"), True)
    in_dollars = msgspec.structs.replace(priced(ONE), currency_prices={"USD": CurrencyPrice(price=price)})
    refused = plan.when(replace(asked, charges=(in_dollars,))).refuses(refusal)
    assert refused.field == ("charges", 0, "currency_prices", "USD", "price")
    taken = replace(asked, registered_meters={"calls": right})  # type: ignore[dict-item]
    plan.when(taken).then(msgspec.structs.replace(PLAN_ONE, charges=(priced(price),)))


def test_buckets_and_totals_need_no_values_of_events() -> None:
    """Different values are counted of each day, too."""
    for price in (ONE, Bucketed(bucket="day", price=ONE)):
        asked = replace(PUBLISH, charges=(priced(price),), registered_meters={"calls": TOLD_APART})
        plan.when(asked).then(msgspec.structs.replace(PLAN_ONE, charges=(priced(price),)))
