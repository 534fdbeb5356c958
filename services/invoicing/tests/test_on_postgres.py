"""The same service on the real store: numbers under contention, and a run that two processes write."""

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from services.invoicing.tests.running import Running
from services.invoicing.tests.stories import REGISTERED, closed, quantity, reading
from shared.billing.contracts import CONTRACTS
from shared.billing.contracts.invoicing.number_series import InvoiceNumberAssigned
from shared.framework.eventstore.postgres import PostgresEventStore
from shared.framework.testing.service_database import service_pool

ITEM = {"description": "Work", "quantity": "1", "unit_price": "10"}


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[Running]:
    async with service_pool(database_url, []) as pool:
        yield Running(PostgresEventStore(pool, "invoicing", CONTRACTS))


async def finalized(house: Running, invoice_id: str) -> str:
    """Ask until it is done; who lost too many races is told to try again (503), and nothing is used up."""
    while True:
        answer = await house.ask("POST", f"/v1/invoices/{invoice_id}/finalize")
        if answer.status_code == 200:
            return str(answer.json()["number"])
        assert (answer.status_code, answer.json()["code"]) == (503, "write-conflict")


async def test_twenty_documents_at_once_are_numbered_without_gap_or_double(house: Running) -> None:
    """The series' stream decides, version by version."""
    await house.hear(REGISTERED)
    body = {"customer_id": "cus_1", "lines": [ITEM]}
    drafts = [(await house.post("/v1/invoices", body))["invoice_id"] for _ in range(20)]
    numbers = await asyncio.gather(*(finalized(house, invoice_id) for invoice_id in drafts))
    assert sorted(numbers) == [f"INV-{number:06}" for number in range(1, 21)]
    assigned = [event for event in await house.history() if isinstance(event, InvoiceNumberAssigned)]
    assert [event.number for event in assigned] == sorted(numbers)


async def test_two_consumers_that_bill_the_same_period_write_one_document(house: Running) -> None:
    """Each fact is told to both at once, in either order."""
    await asyncio.gather(
        house.hear(closed(), reading(quantity("calls", "120"))),
        house.hear(reading(quantity("calls", "120")), closed()),
    )
    [document] = await house.documents()
    assert (document.number, document.total.minor) == ("INV-000001", 5120)
