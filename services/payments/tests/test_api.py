"""The REST face: what it takes, and how it says no."""

import pytest

from services.payments.tests.running import Running
from services.payments.tests.stories import INVOICE, REGISTERED, finalized, payment
from shared.billing.contracts.payments.payment_methods import PaymentMethodAttached

CARD = {"customer_id": "cus_1", "gateway": "sandbox", "token": "tok_ok"}
PAN = "4242 4242 4242 4242"


async def test_a_card_is_attached_by_its_token() -> None:
    """Again, it is the same method; the answer does not repeat the token."""
    house = Running()
    await house.hear(REGISTERED)
    answer = await house.ask("/v1/payment-methods", CARD)
    again = await house.ask("/v1/payment-methods", CARD)
    assert answer.status_code == again.status_code == 201
    assert answer.json() == again.json()
    assert set(answer.json()) == {"method_id", "customer_id", "gateway"}
    assert len(await house.said(PaymentMethodAttached)) == 1


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
    """With a reason for machines and one for people."""
    house = Running()
    await house.hear(REGISTERED)
    answer = await house.ask("/v1/payment-methods", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_card_number_is_neither_kept_nor_repeated() -> None:
    """Not in an event, not in the answer; and its key is free for a proper token."""
    house = Running()
    await house.hear(REGISTERED)
    refused = await house.ask("/v1/payment-methods", CARD | {"token": PAN}, key="k")
    assert PAN not in refused.text
    assert all(b"4242" not in record.state for record in await house.store.read_stable(0, 100))
    assert (await house.ask("/v1/payment-methods", CARD, key="k")).status_code == 201


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
    """And nothing that it holds is repeated."""
    answer = await Running().ask("/v1/payment-methods", body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


async def test_an_attempt_can_be_asked_for() -> None:
    """After a hard decline, with a better card."""
    house = Running()
    await house.customer("tok_hard")
    await house.hear(finalized())
    await house.settle()
    await house.attach("tok_ok")
    assert await house.collect(INVOICE) == {
        "invoice_id": INVOICE,
        "payment_id": payment(2),
        "attempt": 2,
        "action": "capture",
    }


async def test_one_key_asks_for_one_attempt() -> None:
    """The answer is repeated, the attempt is not."""
    house = Running()
    await house.customer("tok_soft")
    await house.hear(finalized())
    await house.settle()
    path = f"/v1/invoices/{INVOICE}/collect"
    one, two = [await house.ask(path, key="k") for _ in range(2)]
    assert (one.status_code, one.content) == (two.status_code, two.content)
    refused = await house.ask(path)
    assert (refused.status_code, refused.json()["code"]) == (409, "attempt-in-progress")


async def test_what_is_over_or_not_there_is_not_collected() -> None:
    """Paid, unknown, of another tenant, or without a card."""
    house = Running()
    path = f"/v1/invoices/{INVOICE}/collect"
    assert (await house.ask(path)).json()["code"] == "collection-unknown"
    await house.hear(REGISTERED, finalized())
    assert (await house.ask(path)).json()["code"] == "payment-method-missing"
    await house.attach("tok_ok")
    await house.collect(INVOICE)
    await house.settle()
    assert (await house.ask(path)).json()["code"] == "collection-closed"
    stranger = await house.ask(path, who="stranger")
    assert (stranger.status_code, stranger.json()["code"]) == (404, "collection-unknown")


async def test_rights_and_keys_are_asked_for() -> None:
    """Deny by default, and no money is moved without a key."""
    house = Running()
    assert (await house.ask("/v1/payment-methods", CARD, who="reader")).status_code == 403
    assert (await house.ask("/v1/payment-methods", CARD, who="nobody")).status_code == 401
    headers = {"authorization": "Bearer admin"}
    missing = await house.client.post("/v1/payment-methods", json=CARD, headers=headers)
    assert (missing.status_code, missing.json()["code"]) == (400, "idempotency-key-missing")
