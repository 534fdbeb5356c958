"""The payment account: methods are attached by tokens, never by card numbers."""

import pytest

from services.payments.payment_methods.card_number import holds_card_number
from services.payments.payment_methods.decider import (
    ACCOUNT,
    AttachPaymentMethod,
    CustomerIsUnknown,
    OpenPaymentAccount,
    PaymentAccount,
    method_id_of,
)
from services.payments.tests.scenarios import NOON
from shared.billing.contracts.payments.payment_methods import AccountOpened, PaymentMethodAttached
from shared.framework.testing.spec import Spec

account = Spec(ACCOUNT)

OPEN = OpenPaymentAccount(customer_id="cus_1", now=NOON)
opened = AccountOpened(customer_id="cus_1", opened_at=NOON)


def attach(token: str) -> AttachPaymentMethod:
    return AttachPaymentMethod(
        method_id=method_id_of("cus_1", "sandbox", token),
        customer_id="cus_1",
        gateway="sandbox",
        token=token,
        now=NOON,
    )


def attached(token: str) -> PaymentMethodAttached:
    return PaymentMethodAttached(
        method_id=method_id_of("cus_1", "sandbox", token),
        customer_id="cus_1",
        gateway="sandbox",
        token=token,
        attached_at=NOON,
    )


def test_a_customer_is_heard_of_once() -> None:
    """The event may be delivered again."""
    account.when(OPEN).then(opened).when(OPEN).then_nothing()


def test_a_method_needs_a_customer() -> None:
    """The customer must have an account."""
    account.when(attach("tok_ok")).refuses(CustomerIsUnknown)


def test_the_method_attached_last_is_the_default() -> None:
    """An older one that is attached again is the default again."""
    spec = account.given(opened).when(attach("tok_ok")).then(attached("tok_ok"))
    spec = spec.when(attach("tok_ok")).then_nothing()
    spec = spec.when(attach("tok_hard")).then(attached("tok_hard"))
    spec = spec.when(attach("tok_ok")).then(attached("tok_ok"))
    assert isinstance(spec.state, PaymentAccount)
    assert spec.state.default is not None
    assert spec.state.default.token == "tok_ok"


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424242",
        "4242 4242 4242 4242",
        "4242-4242-4242-4242",
        "tok_378282246310005",
        "pm 6011.1111.1111.1117 x",
        "0004222222222222",
    ],
)
def test_a_card_number_is_recognised_however_it_is_grouped(text: str) -> None:
    """13 to 19 digits that pass the Luhn check, anywhere in the text."""
    assert holds_card_number(text)


@pytest.mark.parametrize(
    "text", ["tok_ok", "4242424242424241", "424242424242", "tok_12-34", "1234 5678", "tok_ok.acme:2026"]
)
def test_other_tokens_are_not_taken_for_card_numbers(text: str) -> None:
    """Too short, or failing the check."""
    assert not holds_card_number(text)
