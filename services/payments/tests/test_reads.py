"""The payment methods of a customer can be read where they were attached, without their tokens."""

import pytest

from services.payments.tests.harness import PaymentsHarness
from services.payments.tests.scenarios import REGISTERED

METHODS = "/v1/payment-methods"
OF_CUS_1 = f"{METHODS}?customer_id=cus_1"


async def test_methods_are_read_once_each_with_the_default_last() -> None:
    """The first card is attached again after the second, and so is the default again."""
    payments = PaymentsHarness()
    await payments.deliver(REGISTERED)
    assert (await payments.get(OF_CUS_1)).json() == {"items": []}
    first, second, _ = [await payments.attach(token) for token in ("tok_ok", "tok_hard", "tok_ok")]
    items = (await payments.get(OF_CUS_1)).json()["items"]
    assert [(one["method_id"], one["is_default"]) for one in items] == [(second, False), (first, True)]
    assert set(items[0]) == {"method_id", "customer_id", "gateway", "attached_at", "is_default"}
    assert (await payments.get(f"{METHODS}/{second}?customer_id=cus_1")).json() == items[0]


async def test_a_method_that_is_not_there_is_unknown() -> None:
    """Of a customer who has others; a customer who is not there is named."""
    payments = PaymentsHarness()
    await payments.register("tok_ok")
    missing = await payments.get(f"{METHODS}/pm_1?customer_id=cus_1")
    assert (missing.status_code, missing.json()["code"]) == (404, "payment-method-unknown")
    nobody = await payments.get(f"{METHODS}?customer_id=cus_9")
    assert (nobody.status_code, nobody.json()["code"]) == (404, "customer-unknown")


async def test_methods_are_shown_to_their_tenant_and_their_customer_alone() -> None:
    """Another customer, or tenant, finds no such customer."""
    payments = PaymentsHarness()
    await payments.register("tok_ok")
    assert (await payments.get(OF_CUS_1, token="cus_1")).json() == (await payments.get(OF_CUS_1)).json()
    for token in ("stranger", "cus_2"):
        response = await payments.get(OF_CUS_1, token=token)
        assert (response.status_code, response.json()["code"]) == (404, "customer-unknown")


@pytest.mark.parametrize("path", [METHODS, f"{METHODS}/pm_1"])
async def test_the_customer_must_be_named(path: str) -> None:
    """And a scope of another route is not enough."""
    assert (await PaymentsHarness().get(path)).json()["code"] == "request-invalid"
    assert (await PaymentsHarness().get(path, token="reader")).status_code == 403
