"""The REST face: what it takes, and how it says no."""

from decimal import Decimal
from typing import Any

import pytest

from services.invoicing.tests.running import Running
from services.invoicing.tests.stories import INVOICE_ID, REGISTERED, closed, quantity, reading
from shared.billing.contracts.invoicing.tax import TaxRateSet

ONE_OFF: dict[str, Any] = {
    "customer_id": "cus_1",
    "lines": [
        {"description": "Consulting", "quantity": "2.5", "unit_price": "120.10"},
        {"description": "Travel", "quantity": "1", "unit_price": "0.005"},
    ],
}
TAX = {"name": "VAT", "rate": "0.19", "source": "UStG 12"}


async def test_a_one_off_invoice_goes_from_draft_to_document() -> None:
    """300.25 + 0.01, and 19 % of it."""
    house = Running()
    await house.hear(REGISTERED)
    assert (await house.ask("PUT", "/v1/tax-rate", TAX)).status_code == 200
    draft = await house.post("/v1/invoices", ONE_OFF)
    assert (draft["status"], draft["number"], draft["total"]) == (
        "draft",
        None,
        {"minor": 30026, "currency": "USD"},
    )
    document = await house.post(f"/v1/invoices/{draft['invoice_id']}/finalize")
    assert (document["status"], document["number"]) == ("finalized", "INV-000001")
    assert document["amount_due"] == {"minor": 35731, "currency": "USD"}


async def test_finalizing_again_uses_up_no_number() -> None:
    """Under another key it is asked anew, and answered the same."""
    house = Running()
    await house.hear(REGISTERED)
    draft = await house.post("/v1/invoices", ONE_OFF)
    path = f"/v1/invoices/{draft['invoice_id']}/finalize"
    assert await house.post(path) == await house.post(path)
    other = await house.post("/v1/invoices", ONE_OFF)
    assert (await house.post(f"/v1/invoices/{other['invoice_id']}/finalize"))["number"] == "INV-000002"


async def test_a_refused_finalization_leaves_no_gap() -> None:
    """A number is used up by a document, and by nothing else."""
    house = Running()
    await house.hear(REGISTERED, closed())
    refused = await house.ask("POST", f"/v1/invoices/{INVOICE_ID}/finalize")
    assert (refused.status_code, refused.json()["code"]) == (409, "invoice-empty")
    draft = await house.post("/v1/invoices", ONE_OFF)
    assert (await house.post(f"/v1/invoices/{draft['invoice_id']}/finalize"))["number"] == "INV-000001"


async def test_a_voided_document_keeps_its_number() -> None:
    """Voiding again changes nothing."""
    house = Running()
    await house.hear(closed(), reading(quantity("calls", "120")))
    path = f"/v1/invoices/{INVOICE_ID}/void"
    voided = await house.post(path, {"reason": "wrong plan"})
    assert (voided["status"], voided["number"]) == ("void", "INV-000001")
    assert await house.post(path, {"reason": "still wrong"}) == voided


async def test_the_tax_rate_is_put_not_added() -> None:
    """The same rate twice is one fact; a key is not needed."""
    house = Running()
    for _ in range(2):
        headers = {"authorization": "Bearer admin"}
        answer = await house.client.put("/v1/tax-rate", json=TAX, headers=headers)
        assert (answer.status_code, answer.json()) == (200, TAX)
    [rate] = [event for event in await house.history() if isinstance(event, TaxRateSet)]
    assert (rate.rate, rate.source) == (Decimal("0.19"), "UStG 12")


async def test_the_same_key_gives_the_same_draft() -> None:
    """One key, one effect, one answer byte for byte."""
    house = Running()
    await house.hear(REGISTERED)
    one = await house.ask("POST", "/v1/invoices", ONE_OFF, key="k")
    two = await house.ask("POST", "/v1/invoices", ONE_OFF, key="k")
    assert (one.status_code, one.content) == (two.status_code, two.content)
    assert (await house.ask("POST", "/v1/invoices", ONE_OFF | {"lines": []}, key="k")).status_code in (
        400,
        422,
    )


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/v1/invoices", ONE_OFF | {"customer_id": "cus_9"}, 404, "customer-unknown"),
        ("/v1/invoices/inv_9/finalize", None, 404, "invoice-unknown"),
        ("/v1/invoices/inv_9/void", {"reason": "x"}, 404, "invoice-unknown"),
    ],
)
async def test_what_is_not_there_is_a_404(path: str, body: object, status: int, code: str) -> None:
    """And says what it is."""
    house = Running()
    await house.hear(REGISTERED)
    answer = await house.ask("POST", path, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("verb", ["finalize", "void"])
async def test_what_is_no_invoice_is_not_found_whatever_history_it_names(verb: str) -> None:
    """The ids of runs, series, accounts and tax rates can be reckoned by anybody; none is an invoice."""
    house = Running()
    await house.hear(REGISTERED, closed(), reading(quantity("calls", "1")))
    await house.ask("PUT", "/v1/tax-rate", TAX)
    streams = {record.stream_id for record in await house.store.read_stable(0, 100)} - {INVOICE_ID}
    assert len(streams) == 4
    for stream_id in streams:
        answer = await house.ask("POST", f"/v1/invoices/{stream_id}/{verb}", {"reason": "x"})
        assert (answer.status_code, answer.json()["code"]) == (404, "invoice-unknown"), stream_id


async def test_another_tenants_invoice_is_not_there() -> None:
    """Neither to finalize nor to void nor to draft for its customer."""
    house = Running()
    await house.hear(REGISTERED)
    draft = await house.post("/v1/invoices", ONE_OFF)
    for path, body in [
        (f"/v1/invoices/{draft['invoice_id']}/finalize", None),
        (f"/v1/invoices/{draft['invoice_id']}/void", {"reason": "x"}),
        ("/v1/invoices", ONE_OFF),
    ]:
        assert (await house.ask("POST", path, body, who="stranger")).status_code == 404


@pytest.mark.parametrize(
    "line",
    [
        {"description": "x", "quantity": "1", "unit_price": "1e1000000"},
        {"description": "x", "quantity": "NaN", "unit_price": "1"},
        {"description": "x", "quantity": 1.5, "unit_price": "1"},
        {"description": "x", "quantity": "-1", "unit_price": "1"},
        {"description": "x", "quantity": "1", "unit_price": "0.0000000000001"},
        {"description": "", "quantity": "1", "unit_price": "1"},
        {"description": "x", "quantity": "1"},
        {"description": "x", "quantity": "1", "unit_price": "1", "tax": "0"},
    ],
)
async def test_a_line_that_is_none_is_refused(line: object) -> None:
    """Nothing is converted silently."""
    house = Running()
    await house.hear(REGISTERED)
    answer = await house.ask("POST", "/v1/invoices", ONE_OFF | {"lines": [line]})
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_an_absurd_total_is_refused() -> None:
    """20 digits times 20 digits would fit in no ledger."""
    house = Running()
    await house.hear(REGISTERED)
    lines = [{"description": "x", "quantity": "9" * 20, "unit_price": "9" * 20}]
    answer = await house.ask("POST", "/v1/invoices", ONE_OFF | {"lines": lines})
    assert (answer.status_code, answer.json()["code"]) == (422, "invoice-too-large")


@pytest.mark.parametrize("rate", ["1.5", "-0.1", "19%", 0.19])
async def test_a_tax_rate_that_is_none_is_refused(rate: object) -> None:
    """A fraction from 0 to 1, as a decimal string."""
    answer = await Running().ask("PUT", "/v1/tax-rate", TAX | {"rate": rate})
    assert answer.status_code == 400


async def test_reading_rights_are_no_writing_rights() -> None:
    """Deny by default."""
    house = Running()
    assert (await house.ask("POST", "/v1/invoices", ONE_OFF, who="reader")).status_code == 403
    assert (await house.ask("PUT", "/v1/tax-rate", TAX, who="nobody")).status_code == 401
