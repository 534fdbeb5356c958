"""Tax: dated rates with a source, one rounding per rate."""

from datetime import timedelta
from decimal import Decimal

import pytest

from services.invoicing.tax.decider import (
    TAX_RATES,
    SetTaxRate,
    TaxRate,
    TaxRateIsInvalid,
    rate_in_force,
    taxes_on,
)
from services.invoicing.tests.scenarios import END
from shared.billing.contracts.invoicing.tax import TaxRateSet
from shared.billing.money import Money
from shared.framework.testing.spec import Spec

DAY = timedelta(days=1)
rates = Spec(TAX_RATES)


def rate_set(rate: str, days: int = 0, name: str = "VAT") -> TaxRateSet:
    return TaxRateSet(name=name, rate=Decimal(rate), source="law", set_at=END + days * DAY)


def set_rate(rate: str, days: int = 0) -> SetTaxRate:
    return SetTaxRate(name="VAT", rate=Decimal(rate), source="law", now=END + days * DAY)


def test_a_rate_is_set_once_and_another_replaces_it() -> None:
    """PUT: the same again is nothing new."""
    rates.when(set_rate("0.19")).then(rate_set("0.19")).when(set_rate("0.19", 1)).then_nothing()
    rates.given(rate_set("0.19")).when(set_rate("0.2", 1)).then(rate_set("0.2", 1))


@pytest.mark.parametrize("rate", ["-0.01", "1.01", "19"])
def test_a_rate_is_a_fraction(rate: str) -> None:
    """19 would be 1900 per cent."""
    rates.when(set_rate(rate)).refuses(TaxRateIsInvalid)


def test_the_rate_is_the_one_in_force_at_the_moment() -> None:
    """An invoice of yesterday is not taxed by a rate of today."""
    known = (rate_set("0.19"), rate_set("0.2", 10))
    in_force = [rate_in_force(known, END + days * DAY) for days in (0, 9, 10)]
    assert in_force == [TaxRate(name="VAT", rate=Decimal(rate)) for rate in ("0.19", "0.19", "0.2")]


def test_before_the_first_rate_the_first_one_counts() -> None:
    """A test clock may stand years before the day on which its tenant was set up."""
    assert rate_in_force((rate_set("0.19"), rate_set("0.2", 10)), END - DAY) == TaxRate(
        name="VAT", rate=Decimal("0.19")
    )


def test_no_rate_and_a_rate_of_zero_are_no_tax() -> None:
    """The document then names none."""
    assert rate_in_force((), END) is None
    assert rate_in_force((rate_set("0.19"), rate_set("0", 1)), END + DAY) is None
    assert taxes_on(Money(100, "USD"), None) == ()


@pytest.mark.parametrize(
    ("base", "rate", "tax"),
    [(7000, "0.0825", 578), (3000, "0.2333", 700), (10, "0.25", 3), (-10, "0.25", -3)],
)
def test_tax_is_the_exact_base_times_the_rate_rounded_once(base: int, rate: str, tax: int) -> None:
    """V39: 8.25 % of 70.00 is 5.78; half a cent goes away from zero."""
    [amount] = taxes_on(Money(base, "USD"), TaxRate(name="VAT", rate=Decimal(rate)))
    assert amount.amount == Money(tax, "USD")
