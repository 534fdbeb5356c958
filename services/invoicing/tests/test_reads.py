"""What is written to invoicing can be read there: invoices and tax rates."""

from typing import Any

import pytest

from services.invoicing.tests.harness import Harness
from services.invoicing.tests.scenarios import LATER, REGISTERED

ONE_OFF: dict[str, Any] = {
    "customer_id": "cus_1",
    "lines": [{"description": "Consulting", "quantity": "2", "unit_price": "100"}],
}
VAT = {"name": "VAT", "rate": "0.19", "source": "UStG 12"}


async def get(service: Harness, path: str, token: str = "admin") -> Any:
    """The body of a GET that succeeds."""
    response = await service.request("GET", path, token=token)
    assert response.status_code == 200, response.text
    return response.json()


async def test_an_invoice_is_read_as_its_commands_return_it() -> None:
    """Drafted, finalized, void; and a draft that was voided."""
    service = Harness()
    await service.deliver(REGISTERED)
    draft, dropped = [await service.post_ok("/v1/invoices", ONE_OFF) for _ in range(2)]
    path = f"/v1/invoices/{draft['invoice_id']}"
    assert await get(service, path) == draft
    assert await service.post_ok(f"{path}/finalize") == await get(service, path)
    void = await service.post_ok(f"{path}/void", {"reason": "wrong address"})
    dropped = await service.post_ok(f"/v1/invoices/{dropped['invoice_id']}/void", {"reason": "mistake"})
    assert await get(service, path) == void
    assert await get(service, "/v1/invoices") == {"items": [void, dropped], "next_cursor": None}


async def test_invoices_are_listed_page_by_page() -> None:
    """In the order of their drafting."""
    service = Harness()
    await service.deliver(REGISTERED)
    drafts = [await service.post_ok("/v1/invoices", ONE_OFF) for _ in range(3)]
    first = await get(service, "/v1/invoices?limit=2")
    rest = await get(service, f"/v1/invoices?limit=2&cursor={first['next_cursor']}")
    assert (first["items"] + rest["items"], rest["next_cursor"]) == (drafts, None)


async def test_an_invoice_is_shown_to_its_tenant_and_its_customer_alone() -> None:
    """A list is not for customers, and a voided draft was never shown to one."""
    service = Harness()
    await service.deliver(REGISTERED)
    path = f"/v1/invoices/{(await service.post_ok('/v1/invoices', ONE_OFF))['invoice_id']}"
    assert await get(service, path, "cus_1") == await get(service, path)
    for token in ("stranger", "cus_2"):
        response = await service.request("GET", path, token=token)
        assert (response.status_code, response.json()["code"]) == (404, "invoice-unknown")
    assert (await get(service, "/v1/invoices", "stranger"))["items"] == []
    assert (await service.request("GET", "/v1/invoices", token="cus_1")).status_code == 403
    await service.post_ok(f"{path}/void", {"reason": "mistake"})
    assert (await service.request("GET", path, token="cus_1")).status_code == 404


@pytest.mark.parametrize("invoice_id", ["inv_0", "bac_1"])
async def test_an_invoice_that_is_not_there_is_unknown(invoice_id: str) -> None:
    """Also a stream of another kind."""
    response = await Harness().request("GET", f"/v1/invoices/{invoice_id}")
    assert (response.status_code, response.json()["code"]) == (404, "invoice-unknown")


async def test_the_tax_rate_is_read_with_those_before_it() -> None:
    """The last one is in force; another tenant has none."""
    service = Harness()
    missing = await service.request("GET", "/v1/tax-rate")
    assert (missing.status_code, missing.json()["code"]) == (404, "tax-rate-unknown")
    for rate in ("0.19", "0.16"):
        assert (await service.request("PUT", "/v1/tax-rate", VAT | {"rate": rate})).status_code == 200
    since = {"set_at": LATER.isoformat().replace("+00:00", "Z")}
    assert await get(service, "/v1/tax-rate") == VAT | {"rate": "0.16"} | since
    assert await get(service, "/v1/tax-rates") == {"items": [VAT | since, VAT | {"rate": "0.16"} | since]}
    assert await get(service, "/v1/tax-rates", "stranger") == {"items": []}
    assert (await service.request("GET", "/v1/tax-rates", token="cus_1")).status_code == 403


@pytest.mark.parametrize("path", ["invoices", "invoices/inv_1", "tax-rate", "tax-rates"])
async def test_a_scope_of_another_route_does_not_read(path: str) -> None:
    """Deny by default."""
    assert (await Harness().request("GET", f"/v1/{path}", token="reader")).status_code == 403
