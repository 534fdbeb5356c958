"""The service on PostgreSQL: numbers under contention, and a run that two processes write."""

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from services.invoicing.tests.harness import Harness
from services.invoicing.tests.scenarios import REGISTERED, closed, quantity, reading
from shared.billing.contracts import CONTRACTS
from shared.billing.contracts.invoicing.number_series import InvoiceNumberAssigned
from shared.framework.eventstore.postgres import PostgresEventStore
from shared.framework.testing.service_database import service_pool

ITEM = {"description": "Work", "quantity": "1", "unit_price": "10"}


@pytest_asyncio.fixture
async def service(database_url: str) -> AsyncIterator[Harness]:
    async with service_pool(database_url, []) as pool:
        yield Harness(PostgresEventStore(pool, "invoicing", CONTRACTS))


async def finalized(service: Harness, invoice_id: str) -> str:
    """Finalize until it succeeds: a request that lost too many races gets 503 and assigns no number."""
    while True:
        response = await service.request("POST", f"/v1/invoices/{invoice_id}/finalize")
        if response.status_code == 200:
            return str(response.json()["number"])
        assert (response.status_code, response.json()["code"]) == (503, "write-conflict")


async def test_twenty_documents_at_once_are_numbered_without_gap_or_double(service: Harness) -> None:
    """The version of the series' stream decides."""
    await service.deliver(REGISTERED)
    body = {"customer_id": "cus_1", "lines": [ITEM]}
    drafts = [(await service.post_ok("/v1/invoices", body))["invoice_id"] for _ in range(20)]
    numbers = await asyncio.gather(*(finalized(service, invoice_id) for invoice_id in drafts))
    assert sorted(numbers) == [f"INV-{number:06}" for number in range(1, 21)]
    assigned = [event for event in await service.history() if isinstance(event, InvoiceNumberAssigned)]
    assert [event.number for event in assigned] == sorted(numbers)


async def test_two_consumers_that_bill_the_same_period_write_one_document(service: Harness) -> None:
    """Each event is delivered to both at once, in either order."""
    await asyncio.gather(
        service.deliver(closed(), reading(quantity("calls", "120"))),
        service.deliver(reading(quantity("calls", "120")), closed()),
    )
    [document] = await service.documents()
    assert (document.number, document.total.minor) == ("INV-000001", 5120)
