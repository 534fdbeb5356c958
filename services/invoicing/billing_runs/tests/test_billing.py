"""Consumed events become invoices: in any order, delivered any number of times."""

import itertools
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.invoicing.tax.decider import TAX_RATES, SetTaxRate, tax_rates_id
from services.invoicing.tests.harness import Harness
from services.invoicing.tests.scenarios import (
    END,
    FEE,
    INVOICE_ID,
    JANUARY,
    LATER,
    MILES,
    REGISTERED,
    amount_off,
    closed,
    percent_off,
    quantity,
    reading,
    succeeded,
)
from shared.billing.contracts.invoicing.billing_runs import BillingRunFailed
from shared.billing.contracts.invoicing.invoices import InvoiceDrafted, InvoicePaid, InvoiceVoided
from shared.billing.contracts.invoicing.number_series import InvoiceNumberAssigned
from shared.billing.period import Period
from shared.billing.pricing import Flat
from shared.framework.core.event import Metadata
from shared.framework.eventstore.ports import StreamIsBusy
from shared.framework.eventstore.unit_of_work import UnitOfWork, transact
from shared.framework.testing.event_records import event_record

CALLS = quantity("calls", "120")


async def taxed(service: Harness) -> None:
    """8.25 %, from the start of January."""

    async def work(unit: UnitOfWork) -> None:
        session = unit.session(
            "acme", Metadata(correlation_id="tax", actor="acme-agent", occurred_at=JANUARY.start)
        )
        command = SetTaxRate(name="VAT", rate=Decimal("0.0825"), source="law", now=JANUARY.start)
        await session.handle(TAX_RATES, tax_rates_id("acme"), command)

    await transact(service.store, work)


async def test_a_closed_period_and_its_reading_become_a_numbered_document() -> None:
    """49.00 + 2.20 = 51.20, and 8.25 % of it is 4.22."""
    service = Harness()
    await taxed(service)
    await service.deliver(closed(), at=END)
    assert await service.documents() == []
    await service.deliver(reading(CALLS), at=LATER)
    [document] = await service.documents()
    assert (document.number, document.subtotal.minor, document.tax.minor) == ("INV-000001", 5120, 422)
    assert document.total.minor == document.amount_due.minor == 5542
    assert document.finalized_at == LATER


async def test_discounts_come_off_before_the_tax() -> None:
    """V39: 80 of usage and 20 flat, 25% off the usage, then 10 off all: 8.25 % of 70.00 is 5.78."""
    service = Harness()
    await taxed(service)
    fee = msgspec.structs.replace(FEE, price=Flat(amount=Decimal(20)))
    discounts = (amount_off(1000), percent_off("25", "miles"))
    await service.deliver(closed(charges=(fee, MILES), discounts=discounts), at=END)
    await service.deliver(reading(quantity("miles", "6400")), at=LATER)
    [document] = await service.documents()
    assert [(one.discount_id, one.amount.minor, one.percent) for one in document.discounts] == [
        ("cpn_1", 2000, Decimal(25)),
        ("cpn_2", 1000, None),
    ]
    assert [[(one.discount_id, one.amount.minor) for one in line.discounts] for line in document.lines] == [
        [("cpn_2", 250)],
        [("cpn_1", 2000), ("cpn_2", 750)],
    ]
    assert (document.subtotal.minor, document.discount.minor) == (10000, 3000)
    assert (document.taxes[0].base.minor, document.tax.minor) == (7000, 578)
    assert document.total.minor == document.amount_due.minor == 7578


async def test_a_discount_on_all_that_is_billed_leaves_nothing_to_collect() -> None:
    """The invoice is a document of zero, and is paid at once."""
    service = Harness()
    await taxed(service)
    await service.deliver(closed(discounts=(percent_off("100"), amount_off(1))), reading(CALLS))
    [document] = await service.documents()
    assert (document.subtotal.minor, document.total.minor, document.tax.minor) == (5120, 0, 0)
    assert [one.discount_id for one in document.discounts] == ["cpn_1"]
    assert any(isinstance(event, InvoicePaid) for event in await service.history())


async def test_a_discount_of_another_currency_fails_the_run() -> None:
    """A reason for people, and no document."""
    service = Harness()
    await service.deliver(closed(discounts=(amount_off(100, currency="EUR"),)), reading(CALLS))
    [failed] = [event for event in await service.history() if isinstance(event, BillingRunFailed)]
    assert failed.code == "currencies-differ"
    assert await service.documents() == []


async def test_the_draft_is_there_while_its_reading_is_not() -> None:
    """It shows which period will be billed."""
    service = Harness()
    await service.deliver(closed(), at=END)
    [drafted] = [event for event in await service.history() if isinstance(event, InvoiceDrafted)]
    assert (drafted.invoice_id, drafted.subscription_id, drafted.period) == (INVOICE_ID, "sub_1", JANUARY)


@settings(max_examples=60, deadline=None)
@given(st.data())
async def test_order_and_repetition_change_no_invoice(data: st.DataObject) -> None:
    """Late, repeated and shuffled events of three subscriptions give the same documents, in some order."""
    names = ["sub_1", "sub_2", "sub_3"]
    events = [event for name in names for event in (closed(name), reading(CALLS, subscription_id=name))]
    order = data.draw(st.permutations(events + events[: data.draw(st.integers(0, 6))]))
    service = Harness()
    for event in order:
        await service.deliver(event)
    documents = await service.documents()
    assert sorted(str(document.subscription_id) for document in documents) == names
    assert {document.total.minor for document in documents} == {5120}
    assert [document.number for document in documents] == [f"INV-{n:06}" for n in (1, 2, 3)]


async def test_numbers_have_no_gap_when_many_are_finalized_in_one_commit() -> None:
    """One poll of the consumer may bring a hundred readings."""
    service = Harness()
    names = [f"sub_{number}" for number in range(100)]
    await service.deliver(*(closed(name) for name in names))
    await service.deliver(*(reading(CALLS, subscription_id=name) for name in names))
    numbers = [document.number for document in await service.documents()]
    assert numbers == [f"INV-{number:06}" for number in range(1, 101)]
    assigned = [event for event in await service.history() if isinstance(event, InvoiceNumberAssigned)]
    assert [event.number for event in assigned] == numbers


@settings(max_examples=50, deadline=None)
@given(days=st.lists(st.integers(0, 40), min_size=1, max_size=8))
async def test_numbers_and_dates_run_together(days: list[int]) -> None:
    """Also when a reading comes late: no document is dated before the one with the number before it."""
    service = Harness()
    for number, day in enumerate(days):
        at = END + timedelta(days=day)
        await service.deliver(closed(f"sub_{number}"), at=at, test_clock=True)
        await service.deliver(reading(CALLS, subscription_id=f"sub_{number}"), at=at, test_clock=True)
    dates = [document.finalized_at for document in await service.documents()]
    assert dates == [END + timedelta(days=max(days[: n + 1])) for n in range(len(days))]
    assigned = [event for event in await service.history() if isinstance(event, InvoiceNumberAssigned)]
    assert [event.assigned_at for event in assigned] == dates


async def test_each_tenant_counts_by_itself() -> None:
    """A series is of one legal entity."""
    service = Harness()
    for tenant in ("acme", "other"):
        name = f"sub_{tenant}"
        await service.deliver(closed(name), reading(subscription_id=name), tenant=tenant)
    assert [document.number for document in await service.documents()] == ["INV-000001", "INV-000001"]


async def test_money_that_came_settles_the_invoice_once() -> None:
    """The event may be delivered again."""
    service = Harness()
    await service.deliver(closed(), reading(CALLS))
    await service.deliver(succeeded(INVOICE_ID, 5120), succeeded(INVOICE_ID, 5120))
    [paid] = [event for event in await service.history() if isinstance(event, InvoicePaid)]
    assert (paid.payment_id, paid.amount.minor, paid.paid_at) == ("pay_1", 5120, LATER)


async def test_a_draft_that_was_voided_stays_void_when_its_reading_comes() -> None:
    """The run ends without a document, and no number is used up."""
    service = Harness()
    await service.deliver(closed())
    await service.post_ok(f"/v1/invoices/{INVOICE_ID}/void", {"reason": "a test"})
    await service.deliver(reading(CALLS))
    await service.deliver(closed("sub_2"), reading(CALLS, subscription_id="sub_2"))
    assert [document.number for document in await service.documents()] == ["INV-000001"]
    assert any(isinstance(event, InvoiceVoided) for event in await service.history())


async def test_a_year_on_a_test_clock_is_dated_by_the_facts_themselves() -> None:
    """Consequences happen at their cause's instant, not at the system clock's."""
    service = Harness()
    await service.deliver(closed(), at=END, test_clock=True)
    await service.deliver(reading(CALLS), at=LATER, test_clock=True)
    service.clock.move(LATER - END)
    [document] = await service.documents()
    assert document.finalized_at == LATER


@pytest.mark.parametrize("first", list(itertools.permutations([0, 1, 2])))
async def test_it_does_not_matter_when_the_customer_is_heard_of(first: tuple[int, ...]) -> None:
    """A closed period carries all that its invoice needs."""
    service = Harness()
    events = [REGISTERED, closed(), reading(CALLS)]
    for index in first:
        await service.deliver(events[index])
    [document] = await service.documents()
    assert document.total.minor == 5120


async def test_a_cut_period_is_billed_by_its_days() -> None:
    """10 of 31 days at 49.00: 15.81, and all of the usage."""
    service = Harness()
    cut = Period(JANUARY.start, JANUARY.start.replace(day=11))
    await service.deliver(closed(period=cut, full_period=JANUARY), reading(CALLS, period=cut))
    [document] = await service.documents()
    assert [line.amount.minor for line in document.lines] == [1581, 220]


async def test_yen_have_no_cents() -> None:
    """0.02 x 120 yen are 2 yen; the fee is 49 yen."""
    service = Harness()
    await service.deliver(closed(currency="JPY"), reading(CALLS))
    [document] = await service.documents()
    assert (document.total.minor, document.total.currency) == (51, "JPY")


async def test_facts_of_another_tenant_do_not_meet() -> None:
    """A reading of another tenant is not used, even if it has the subscription's id."""
    service = Harness()
    await service.deliver(closed())
    with pytest.raises(StreamIsBusy):
        await transact(
            service.store,
            lambda unit: service.handler(unit, [event_record(reading(CALLS), LATER, tenant="other")]),
            attempts_max=1,
        )
    assert await service.documents() == []
