"""A period that cannot be billed ends in a failed run with its reason, and is billed after a correction."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.invoicing.tests.harness import Harness
from services.invoicing.tests.scenarios import CALLS, FEE, INVOICE_ID, RUN_ID, closed, quantity, reading
from shared.billing.contracts import CONTRACTS
from shared.billing.contracts.invoicing.billing_runs import BillingRunFailed, BillingRunRetried
from shared.billing.contracts.invoicing.invoices import InvoiceDrafted
from shared.billing.contracts.metering.readings import UsageReadingTaken
from shared.billing.pricing import PerUnit
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.ports import StoreIsUnavailable
from shared.framework.eventstore.records import StreamHistory
from shared.framework.testing.fakes import FakeClock

ONE_DOLLAR = msgspec.structs.replace(CALLS, price=PerUnit(unit_price=Decimal(1)))
TOO_MUCH = str(10**17)
RETRY = f"/v1/billing-runs/{RUN_ID}/retry"


async def failed_run() -> Harness:
    """10^17 calls at one dollar: 10^19 cents, and a fee."""
    service = Harness()
    await service.deliver(closed(charges=(FEE, ONE_DOLLAR)), reading(quantity("calls", TOO_MUCH)))
    return service


def second_reading(calls: str) -> UsageReadingTaken:
    """The reading that metering takes when the run was retried."""
    return msgspec.structs.replace(reading(quantity("calls", calls)), reading_id="rdg_again", attempt=2)


async def test_an_amount_beyond_the_bound_is_a_failure_with_its_reason_and_no_dead_letter() -> None:
    """The draft has no lines, and finalizing it by hand says why."""
    service = await failed_run()
    [failed] = [event for event in await service.history() if isinstance(event, BillingRunFailed)]
    assert (failed.run_id, failed.invoice_id, failed.code) == (RUN_ID, INVOICE_ID, "invoice-too-large")
    assert failed.reason == "100000000000000049.00 USD"
    response = await service.request("POST", f"/v1/invoices/{INVOICE_ID}/finalize")
    assert (response.status_code, response.json()["code"]) == (409, "billing-run-not-completed")


async def test_parts_that_a_reading_could_not_have_are_a_failure_with_their_reason() -> None:
    """The total alone is never billed in their place; a retry asks for days of the customer's zone."""
    service = Harness()
    missing = msgspec.structs.replace(quantity("calls", "9"), parts_missing="too many")
    period = closed(charges=(FEE, CALLS), time_zone="Asia/Kathmandu")
    await service.deliver(period, reading(missing))
    [failed] = [event for event in await service.history() if isinstance(event, BillingRunFailed)]
    assert (failed.code, failed.reason) == ("usage-detail-missing", "total of calls: too many")
    await service.request("POST", RETRY, {})
    [retried] = [event for event in await service.history() if isinstance(event, BillingRunRetried)]
    assert retried.time_zone == "Asia/Kathmandu"


class AwayOnce(MemoryEventStore):
    """A store whose connection is away at one reading of a stream's newest event."""

    is_away = True

    async def newest(self, tenant_id: str, stream_id: str) -> StreamHistory:
        if self.is_away:
            self.is_away = False
            raise StoreIsUnavailable("newest")
        return await super().newest(tenant_id, stream_id)


async def test_a_database_that_is_away_is_no_reason_to_fail() -> None:
    """The reading is delivered again, and then the period is billed."""
    service = Harness(AwayOnce("invoicing", FakeClock(), CONTRACTS))
    await service.deliver(closed(charges=(FEE,)))
    with pytest.raises(StoreIsUnavailable):
        await service.deliver(reading())
    await service.deliver(reading())
    assert [document.total.minor for document in await service.documents()] == [4900]


async def test_a_retried_run_is_billed_by_the_new_reading_with_the_flat_fee() -> None:
    """The first reading, delivered again, is not used."""
    service = await failed_run()
    retried = await service.request("POST", RETRY, {})
    assert (retried.status_code, retried.json()) == (
        202,
        {"run_id": RUN_ID, "invoice_id": INVOICE_ID, "attempt": 2},
    )
    await service.deliver(reading(quantity("calls", TOO_MUCH)))
    assert await service.documents() == []
    await service.deliver(second_reading("10"))
    [document] = await service.documents()
    assert (document.invoice_id, document.total.minor) == (INVOICE_ID, 4900 + 1000)


async def test_a_run_is_retried_with_other_prices_which_are_recorded() -> None:
    """The plan's price was wrong: a dollar instead of a millionth."""
    service = await failed_run()
    price = {"model": "per_unit", "unit_price": "0.000001"}
    await service.request("POST", RETRY, {"prices": {"calls": price}})
    [event] = [event for event in await service.history() if isinstance(event, BillingRunRetried)]
    assert [charge.price for charge in event.charges] == [FEE.price, PerUnit(unit_price=Decimal("0.000001"))]
    await service.deliver(second_reading(TOO_MUCH))
    [document] = await service.documents()
    assert document.total.minor == 4900 + 10**13


async def test_after_its_draft_was_voided_the_period_is_billed_on_a_new_invoice() -> None:
    """The voided draft stays void."""
    service = await failed_run()
    await service.post_ok(f"/v1/invoices/{INVOICE_ID}/void", {"reason": "wrong price"})
    invoice_id = (await service.request("POST", RETRY, {})).json()["invoice_id"]
    assert invoice_id != INVOICE_ID
    await service.deliver(second_reading("10"))
    [document] = await service.documents()
    assert (document.invoice_id, document.number) == (invoice_id, "INV-000001")
    drafted = [event.invoice_id for event in await service.history() if isinstance(event, InvoiceDrafted)]
    assert drafted == [INVOICE_ID, invoice_id]


async def test_a_run_can_fail_again() -> None:
    """Each attempt has its own reading."""
    service = await failed_run()
    await service.request("POST", RETRY, {})
    await service.deliver(second_reading(TOO_MUCH))
    failures = [event for event in await service.history() if isinstance(event, BillingRunFailed)]
    assert len(failures) == 2
    assert (await service.request("POST", RETRY, {})).json()["attempt"] == 3


async def test_a_tax_that_makes_the_total_too_large_is_a_failure_too() -> None:
    """The lines alone are within the bound."""
    service = Harness()
    tax = {"name": "VAT", "rate": "1", "source": "a mistake"}
    assert (await service.request("PUT", "/v1/tax-rate", tax)).status_code == 200
    await service.deliver(closed(charges=(ONE_DOLLAR,)), reading(quantity("calls", str(6 * 10**15))))
    [failed] = [event for event in await service.history() if isinstance(event, BillingRunFailed)]
    assert failed.code == "invoice-too-large"
    assert await service.documents() == []


@pytest.mark.parametrize(
    ("prices", "status", "code"),
    [
        ({"nothing": {"model": "flat", "amount": "1"}}, 422, "charge-not-in-run"),
        ({"calls": {"model": "flat", "amount": "1"}}, 422, "price-does-not-fit"),
        ({"calls": {"model": "per_unit", "unit_price": "-1"}}, 400, "price-invalid"),
        ({"calls": {"model": "lottery"}}, 400, "request-invalid"),
    ],
)
async def test_a_price_that_cannot_be_is_refused(prices: object, status: int, code: str) -> None:
    """The problem points at the price; the run stays failed."""
    service = await failed_run()
    response = await service.request("POST", RETRY, {"prices": prices})
    assert (response.status_code, response.json()["code"]) == (status, code)
    [error] = response.json()["errors"]
    assert error["pointer"].startswith("/body/prices/")
    assert (await service.request("POST", RETRY, {})).status_code == 202


@pytest.mark.parametrize("run_id", ["run_none", "inv_1"])
async def test_only_a_failed_run_is_retried(run_id: str) -> None:
    """An unknown run is not found, a completed one is a conflict."""
    service = await failed_run()
    response = await service.request("POST", f"/v1/billing-runs/{run_id}/retry", {})
    assert (response.status_code, response.json()["code"]) == (404, "billing-run-unknown")
    assert (await service.request("POST", RETRY, {}, token="stranger")).status_code == 404
    await service.request("POST", RETRY, {})
    again = await service.request("POST", RETRY, {})
    assert (again.status_code, again.json()["code"]) == (409, "billing-run-not-failed")


@given(calls=st.integers(0, 10**18), cents=st.integers(0, 10**8))
async def test_every_amount_up_to_the_bound_is_billed_exactly(calls: int, cents: int) -> None:
    """And every amount beyond it is a failure."""
    service = Harness()
    charge = msgspec.structs.replace(CALLS, price=PerUnit(unit_price=Decimal(cents).scaleb(-2)))
    await service.deliver(closed(charges=(charge,)), reading(quantity("calls", str(calls))))
    totals = [document.total.minor for document in await service.documents()]
    assert totals == ([calls * cents] if calls * cents <= 10**18 else [])
