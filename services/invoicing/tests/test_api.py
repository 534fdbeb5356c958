"""The routes of invoicing: what they accept, return and refuse."""

from decimal import Decimal
from typing import Any

import pytest

from services.invoicing.tests.harness import Harness
from services.invoicing.tests.scenarios import INVOICE_ID, REGISTERED, closed, quantity, reading
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
    service = Harness()
    await service.deliver(REGISTERED)
    assert (await service.request("PUT", "/v1/tax-rate", TAX)).status_code == 200
    draft = await service.post_ok("/v1/invoices", ONE_OFF)
    assert (draft["status"], draft["number"], draft["total"]) == (
        "draft",
        None,
        {"minor": 30026, "currency": "USD"},
    )
    document = await service.post_ok(f"/v1/invoices/{draft['invoice_id']}/finalize")
    assert (document["status"], document["number"]) == ("finalized", "INV-000001")
    assert document["amount_due"] == {"minor": 35731, "currency": "USD"}


async def test_finalizing_again_uses_up_no_number() -> None:
    """A second request under another key gets the same response."""
    service = Harness()
    await service.deliver(REGISTERED)
    draft = await service.post_ok("/v1/invoices", ONE_OFF)
    path = f"/v1/invoices/{draft['invoice_id']}/finalize"
    assert await service.post_ok(path) == await service.post_ok(path)
    other = await service.post_ok("/v1/invoices", ONE_OFF)
    assert (await service.post_ok(f"/v1/invoices/{other['invoice_id']}/finalize"))["number"] == "INV-000002"


async def test_a_refused_finalization_leaves_no_gap() -> None:
    """A number is assigned by a document, and by nothing else."""
    service = Harness()
    await service.deliver(REGISTERED, closed())
    refused = await service.request("POST", f"/v1/invoices/{INVOICE_ID}/finalize")
    assert (refused.status_code, refused.json()["code"]) == (409, "billing-run-not-completed")
    draft = await service.post_ok("/v1/invoices", ONE_OFF)
    assert (await service.post_ok(f"/v1/invoices/{draft['invoice_id']}/finalize"))["number"] == "INV-000001"


async def test_a_voided_document_keeps_its_number() -> None:
    """Voiding again changes nothing."""
    service = Harness()
    await service.deliver(closed(), reading(quantity("calls", "120")))
    path = f"/v1/invoices/{INVOICE_ID}/void"
    voided = await service.post_ok(path, {"reason": "wrong plan"})
    assert (voided["status"], voided["number"]) == ("void", "INV-000001")
    assert await service.post_ok(path, {"reason": "still wrong"}) == voided


async def test_the_tax_rate_is_put_not_added() -> None:
    """The same rate twice is one event; a key is not needed."""
    service = Harness()
    for _ in range(2):
        headers = {"authorization": "Bearer admin"}
        response = await service.client.put("/v1/tax-rate", json=TAX, headers=headers)
        assert (response.status_code, response.json()) == (200, TAX)
    [rate] = [event for event in await service.history() if isinstance(event, TaxRateSet)]
    assert (rate.rate, rate.source) == (Decimal("0.19"), "UStG 12")


async def test_the_same_key_gives_the_same_draft() -> None:
    """One key, one effect, one response byte for byte."""
    service = Harness()
    await service.deliver(REGISTERED)
    one = await service.request("POST", "/v1/invoices", ONE_OFF, key="k")
    two = await service.request("POST", "/v1/invoices", ONE_OFF, key="k")
    assert (one.status_code, one.content) == (two.status_code, two.content)
    assert (await service.request("POST", "/v1/invoices", ONE_OFF | {"lines": []}, key="k")).status_code in (
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
    """With the code of what is unknown."""
    service = Harness()
    await service.deliver(REGISTERED)
    response = await service.request("POST", path, body)
    assert (response.status_code, response.json()["code"]) == (status, code)


@pytest.mark.parametrize("verb", ["finalize", "void"])
async def test_what_is_no_invoice_is_not_found_whatever_history_it_names(verb: str) -> None:
    """The ids of runs, series, accounts and tax rates can be computed by a caller; none is an invoice."""
    service = Harness()
    await service.deliver(REGISTERED, closed(), reading(quantity("calls", "1")))
    await service.request("PUT", "/v1/tax-rate", TAX)
    streams = {record.stream_id for record in await service.store.read_stable(0, 100)} - {INVOICE_ID}
    assert len(streams) == 4
    for stream_id in streams:
        response = await service.request("POST", f"/v1/invoices/{stream_id}/{verb}", {"reason": "x"})
        assert (response.status_code, response.json()["code"]) == (404, "invoice-unknown"), stream_id


async def test_another_tenants_invoice_is_not_there() -> None:
    """Neither to finalize nor to void nor to draft for its customer."""
    service = Harness()
    await service.deliver(REGISTERED)
    draft = await service.post_ok("/v1/invoices", ONE_OFF)
    for path, body in [
        (f"/v1/invoices/{draft['invoice_id']}/finalize", None),
        (f"/v1/invoices/{draft['invoice_id']}/void", {"reason": "x"}),
        ("/v1/invoices", ONE_OFF),
    ]:
        assert (await service.request("POST", path, body, token="stranger")).status_code == 404


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
    service = Harness()
    await service.deliver(REGISTERED)
    response = await service.request("POST", "/v1/invoices", ONE_OFF | {"lines": [line]})
    assert response.status_code == 400, response.text
    assert response.headers["content-type"] == "application/problem+json"


async def test_an_absurd_total_is_refused() -> None:
    """20 digits times 20 digits are above the limit."""
    service = Harness()
    await service.deliver(REGISTERED)
    lines = [{"description": "x", "quantity": "9" * 20, "unit_price": "9" * 20}]
    response = await service.request("POST", "/v1/invoices", ONE_OFF | {"lines": lines})
    assert (response.status_code, response.json()["code"]) == (422, "invoice-too-large")


@pytest.mark.parametrize("rate", ["1.5", "-0.1", "19%", 0.19])
async def test_a_tax_rate_that_is_none_is_refused(rate: object) -> None:
    """A fraction from 0 to 1, as a decimal string."""
    response = await Harness().request("PUT", "/v1/tax-rate", TAX | {"rate": rate})
    assert response.status_code == 400


async def test_reading_rights_are_no_writing_rights() -> None:
    """Deny by default."""
    service = Harness()
    assert (await service.request("POST", "/v1/invoices", ONE_OFF, token="reader")).status_code == 403
    assert (await service.request("PUT", "/v1/tax-rate", TAX, token="nobody")).status_code == 401
