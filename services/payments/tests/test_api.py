"""The HTTP API of payments: requests, responses and refusals."""

import pytest

from services.payments.tests.harness import PaymentsHarness
from services.payments.tests.scenarios import INVOICE, REGISTERED, finalized, payment
from shared.billing.contracts.payments.payment_methods import PaymentMethodAttached

CARD = {"customer_id": "cus_1", "gateway": "sandbox", "token": "tok_ok"}
PAN = "4242 4242 4242 4242"


async def test_a_card_is_attached_by_its_token() -> None:
    """Again, it is the same method; the response does not contain the token."""
    payments = PaymentsHarness()
    await payments.deliver(REGISTERED)
    response = await payments.post("/v1/payment-methods", CARD)
    again = await payments.post("/v1/payment-methods", CARD)
    assert response.status_code == again.status_code == 201
    assert response.json() == again.json()
    assert set(response.json()) == {"method_id", "customer_id", "gateway"}
    assert len(await payments.events(PaymentMethodAttached)) == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (CARD | {"customer_id": "cus_9"}, 404, "customer-unknown"),
        (CARD | {"gateway": "piggybank"}, 400, "gateway-unknown"),
        (CARD | {"token": "tok_maybe"}, 400, "payment-token-invalid"),
        (CARD | {"token": PAN}, 400, "card-number-not-accepted"),
        (CARD | {"token": PAN, "gateway": "piggybank"}, 400, "card-number-not-accepted"),
    ],
)
async def test_what_cannot_be_attached_is_refused(body: object, status: int, code: str) -> None:
    """The response has a status and a stable code."""
    payments = PaymentsHarness()
    await payments.deliver(REGISTERED)
    response = await payments.post("/v1/payment-methods", body)
    assert (response.status_code, response.json()["code"]) == (status, code)


async def test_a_card_number_is_neither_kept_nor_repeated() -> None:
    """Not in an event, not in the response; the idempotency key can be used again for a token."""
    payments = PaymentsHarness()
    await payments.deliver(REGISTERED)
    refused = await payments.post("/v1/payment-methods", CARD | {"token": PAN}, key="k")
    assert PAN not in refused.text
    assert all(b"4242" not in record.state for record in await payments.store.read_stable(0, 100))
    assert (await payments.post("/v1/payment-methods", CARD, key="k")).status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        CARD | {"token": ""},
        CARD | {"token": "t" * 256},
        CARD | {"token": 4242},
        CARD | {"cvc": "123"},
        {"customer_id": "cus_1"},
    ],
)
async def test_a_body_that_is_none_is_refused(body: object) -> None:
    """With a problem document."""
    response = await PaymentsHarness().post("/v1/payment-methods", body)
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"


async def test_an_attempt_can_be_asked_for() -> None:
    """After a hard decline, with another card."""
    payments = PaymentsHarness()
    await payments.register("tok_hard")
    await payments.deliver(finalized())
    await payments.fire_due_timers()
    await payments.attach("tok_ok")
    assert await payments.collect(INVOICE) == {
        "invoice_id": INVOICE,
        "payment_id": payment(2),
        "attempt": 2,
        "action": "capture",
    }


async def test_one_key_asks_for_one_attempt() -> None:
    """The response is replayed; there is one attempt."""
    payments = PaymentsHarness()
    await payments.register("tok_soft")
    await payments.deliver(finalized())
    await payments.fire_due_timers()
    path = f"/v1/invoices/{INVOICE}/collect"
    one, two = [await payments.post(path, key="k") for _ in range(2)]
    assert (one.status_code, one.content) == (two.status_code, two.content)
    refused = await payments.post(path)
    assert (refused.status_code, refused.json()["code"]) == (409, "attempt-in-progress")


async def test_what_is_over_or_not_there_is_not_collected() -> None:
    """Unknown, without a card, paid, or of another tenant."""
    payments = PaymentsHarness()
    path = f"/v1/invoices/{INVOICE}/collect"
    assert (await payments.post(path)).json()["code"] == "collection-unknown"
    await payments.deliver(REGISTERED, finalized())
    assert (await payments.post(path)).json()["code"] == "payment-method-missing"
    await payments.attach("tok_ok")
    await payments.collect(INVOICE)
    await payments.fire_due_timers()
    assert (await payments.post(path)).json()["code"] == "collection-closed"
    stranger = await payments.post(path, caller="stranger")
    assert (stranger.status_code, stranger.json()["code"]) == (404, "collection-unknown")


async def test_rights_and_keys_are_asked_for() -> None:
    """A scope and an idempotency key are required."""
    payments = PaymentsHarness()
    assert (await payments.post("/v1/payment-methods", CARD, caller="reader")).status_code == 403
    assert (await payments.post("/v1/payment-methods", CARD, caller="nobody")).status_code == 401
    headers = {"authorization": "Bearer admin"}
    missing = await payments.client.post("/v1/payment-methods", json=CARD, headers=headers)
    assert (missing.status_code, missing.json()["code"]) == (400, "idempotency-key-missing")
