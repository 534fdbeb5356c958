"""The decider of invoices, from draft to paid or voided."""

from decimal import Decimal

import msgspec
import pytest

from services.invoicing.invoices.commands import (
    DraftInvoice,
    FinalizeInvoice,
    RateInvoice,
    RecordPayment,
    VoidInvoice,
)
from services.invoicing.invoices.decider import INVOICE, INVOICE_MINOR_MAX, InvoiceCommand
from services.invoicing.invoices.refusals import (
    InvoiceIsEmpty,
    InvoiceIsNotADraft,
    InvoiceIsNotPayable,
    InvoiceIsTooLarge,
    InvoiceIsUnknown,
    PaymentDoesNotMatch,
)
from services.invoicing.invoices.state import InvoiceEvent
from services.invoicing.tax.decider import TaxRate
from services.invoicing.tests.scenarios import END, LATER, line
from shared.billing.contracts.invoicing.invoices import (
    InvoiceDiscount,
    InvoiceDrafted,
    InvoiceFinalized,
    InvoiceLinesRated,
    InvoicePaid,
    InvoiceVoided,
    TaxAmount,
)
from shared.billing.money import Money
from shared.framework.testing.spec import Spec

invoice = Spec(INVOICE)

DRAFT = DraftInvoice(invoice_id="inv_1", customer_id="cus_1", currency="USD", now=END)
RATE = RateInvoice(invoice_id="inv_1", lines=(line(8000), line(2000)), now=END)
FINALIZE = FinalizeInvoice(
    invoice_id="inv_1", number="INV-000001", tax_rate=TaxRate(name="VAT", rate=Decimal("0.0825")), now=LATER
)
PAY = RecordPayment(invoice_id="inv_1", payment_id="pay_1", amount=Money(10825, "USD"), now=LATER)
VOID = VoidInvoice(invoice_id="inv_1", reason="wrong plan", now=LATER)

drafted = InvoiceDrafted(
    invoice_id="inv_1",
    customer_id="cus_1",
    currency="USD",
    subscription_id=None,
    period=None,
    drafted_at=END,
)


def rated(*minors: int) -> InvoiceLinesRated:
    lines = tuple(line(minor) for minor in minors)
    return InvoiceLinesRated(invoice_id="inv_1", lines=lines, reading_id=None, rated_at=END)


finalized = InvoiceFinalized(
    invoice_id="inv_1",
    customer_id="cus_1",
    subscription_id=None,
    number="INV-000001",
    lines=(line(8000), line(2000)),
    taxes=(
        TaxAmount(name="VAT", rate=Decimal("0.0825"), base=Money(10000, "USD"), amount=Money(825, "USD")),
    ),
    subtotal=Money(10000, "USD"),
    tax=Money(825, "USD"),
    total=Money(10825, "USD"),
    amount_due=Money(10825, "USD"),
    finalized_at=LATER,
)
paid = InvoicePaid(
    invoice_id="inv_1",
    customer_id="cus_1",
    payment_id="pay_1",
    amount=Money(10825, "USD"),
    paid_at=LATER,
)


def voided(minor: int) -> InvoiceVoided:
    amount_due = Money(minor, "USD")
    return InvoiceVoided(
        invoice_id="inv_1", customer_id="cus_1", amount_due=amount_due, reason="wrong plan", voided_at=LATER
    )


DOCUMENT: tuple[InvoiceEvent, ...] = (drafted, rated(8000, 2000), finalized)


def test_a_draft_is_begun_once() -> None:
    """A repeated run changes nothing."""
    invoice.when(DRAFT).then(drafted).when(DRAFT).then_nothing()


def test_lines_replace_those_that_a_draft_had() -> None:
    """A draft may still change."""
    invoice.given(drafted, rated(1)).when(RATE).then(rated(8000, 2000))


def test_a_draft_is_finalized_for_the_sum_of_its_lines_and_the_tax_on_it() -> None:
    """8.25 % of 100.00 is 8.25; the document carries every number of it."""
    invoice.given(drafted, rated(8000, 2000)).when(FINALIZE).then(finalized)


def test_the_discounts_of_the_last_rating_are_those_of_the_document() -> None:
    """Rated again, a draft has the new ones alone; 8.25 % is of what is left."""
    off = InvoiceDiscount(discount_id="cpn_1", name="Spring", amount=Money(4000, "USD"))
    first, again = (
        msgspec.structs.replace(rated(8000, 2000), discounts=found) for found in ((off, off), (off,))
    )
    [document] = invoice.given(drafted, first, again).when(FINALIZE).decided
    assert isinstance(document, InvoiceFinalized)
    assert (document.discounts, document.discount) == ((off,), Money(4000, "USD"))
    assert (document.subtotal.minor, document.tax.minor, document.total.minor) == (10000, 495, 6495)


def test_an_invoice_without_lines_is_no_document() -> None:
    """A period's draft has none until its reading comes, so it cannot be finalized early."""
    invoice.given(drafted).when(FINALIZE).refuses(InvoiceIsEmpty)


def test_an_invoice_that_comes_to_nothing_is_paid_at_once() -> None:
    """Zero is not collected."""
    events = invoice.given(drafted, rated(0)).when(FINALIZE).decided
    assert [type(event) for event in events] == [InvoiceFinalized, InvoicePaid]
    assert events[1] == InvoicePaid(
        invoice_id="inv_1", customer_id="cus_1", payment_id=None, amount=Money(0, "USD"), paid_at=LATER
    )


def test_a_document_is_not_finalized_twice() -> None:
    """A second finalization changes nothing, whatever its number."""
    invoice.given(*DOCUMENT).when(FINALIZE).then_nothing()
    invoice.given(*DOCUMENT, paid).when(FINALIZE).then_nothing()


def test_the_amount_due_settles_a_document_once() -> None:
    """The event may be delivered again."""
    invoice.given(*DOCUMENT).when(PAY).then(paid).when(PAY).then_nothing()


@pytest.mark.parametrize("history", [DOCUMENT, (*DOCUMENT, paid)])
def test_money_that_does_not_fit_is_loud(history: tuple[InvoiceEvent, ...]) -> None:
    """Another amount, or a second payment, is a refusal."""
    other = RecordPayment(invoice_id="inv_1", payment_id="pay_2", amount=Money(1, "USD"), now=LATER)
    invoice.given(*history).when(other).refuses(PaymentDoesNotMatch)


def test_money_for_a_draft_is_loud() -> None:
    """Nothing is collected on a draft."""
    invoice.given(drafted).when(PAY).refuses(InvoiceIsNotPayable)


def test_money_for_a_voided_invoice_is_for_payments_to_give_back() -> None:
    """Payments consumes the event of the voiding as well."""
    invoice.given(*DOCUMENT, voided(10825)).when(PAY).then_nothing()


def test_a_void_says_what_is_not_to_be_collected_any_more() -> None:
    """Nothing on a draft; on a document what was due, also if it was paid."""
    invoice.given(drafted, rated(100)).when(VOID).then(voided(0))
    invoice.given(*DOCUMENT).when(VOID).then(voided(10825))
    invoice.given(*DOCUMENT, paid).when(VOID).then(voided(10825)).when(VOID).then_nothing()


@pytest.mark.parametrize("command", [RATE, FINALIZE, PAY, VOID])
def test_what_is_not_there_is_not_found(command: InvoiceCommand) -> None:
    """Another tenant's invoice has an empty stream."""
    invoice.when(command).refuses(InvoiceIsUnknown)


@pytest.mark.parametrize("command", [RATE, FINALIZE])
def test_what_was_voided_stays_so(command: InvoiceCommand) -> None:
    """A new invoice replaces it."""
    invoice.given(drafted, voided(0)).when(command).refuses(InvoiceIsNotADraft)


def test_a_document_keeps_its_lines() -> None:
    """From now on only a credit note corrects it."""
    invoice.given(*DOCUMENT).when(RATE).refuses(InvoiceIsNotADraft)


def test_an_absurd_amount_is_refused_before_it_is_a_document() -> None:
    """10^15 minor units are the limit."""
    too_much = RateInvoice(invoice_id="inv_1", lines=(line(INVOICE_MINOR_MAX), line(1)), now=END)
    invoice.given(drafted).when(too_much).refuses(InvoiceIsTooLarge)
