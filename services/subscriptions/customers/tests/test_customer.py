"""The decider of customers."""

from dataclasses import replace

import pytest

from services.subscriptions.customers.decider import CUSTOMER, CustomerExists, RegisterCustomer
from services.subscriptions.tests.scenarios import CUSTOMER_OF_BERLIN, DAY, NOON
from shared.billing.currency import CurrencyIsUnknown
from shared.billing.period import ZoneIsUnknown
from shared.framework.testing.spec import Spec

customer = Spec(CUSTOMER)
REGISTER = RegisterCustomer(
    customer_id="cus_1", external_id="acme", currency="EUR", time_zone="Europe/Berlin", now=NOON
)


def test_a_customer_is_registered_with_currency_and_zone() -> None:
    """No name, no address: events carry opaque ids."""
    customer.when(REGISTER).then(CUSTOMER_OF_BERLIN)


def test_the_same_registration_again_changes_nothing() -> None:
    """A caller may repeat a registration at any time."""
    customer.given(CUSTOMER_OF_BERLIN).when(replace(REGISTER, now=NOON + DAY)).then_nothing()


@pytest.mark.parametrize("other", [{"currency": "USD"}, {"time_zone": "Asia/Tokyo"}])
def test_the_same_external_id_with_other_terms_is_refused(other: dict[str, str]) -> None:
    """One external id is one customer; invoices depend on its currency and zone."""
    customer.given(CUSTOMER_OF_BERLIN).when(replace(REGISTER, **other)).refuses(CustomerExists)  # type: ignore[arg-type]


def test_a_currency_that_is_none_is_refused() -> None:
    """Before anything could be billed in it."""
    customer.when(replace(REGISTER, currency="EUX")).refuses(CurrencyIsUnknown)


def test_a_zone_that_is_none_is_refused() -> None:
    """Before any boundary is drawn by it."""
    customer.when(replace(REGISTER, time_zone="Europe/Atlantis")).refuses(ZoneIsUnknown)
