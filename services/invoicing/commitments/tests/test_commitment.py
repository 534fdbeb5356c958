"""The decider of commitments."""

from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from services.invoicing.commitments.amounts import ContractAmounts
from services.invoicing.commitments.decider import (
    COMMITMENT,
    AwaitInvoice,
    CloseCommitment,
    CountInvoice,
    InvoicePrepaid,
    InvoiceTerminationFee,
    ReleaseInvoice,
    StartCommitment,
)
from services.invoicing.commitments.state import CommitmentEvent
from services.invoicing.contract_terms.decider import ContractTerms
from services.invoicing.tests.contracts import terms_of
from shared.billing.contracts.invoicing.commitments import CommitmentClosed
from shared.billing.contracts.subscriptions.contracts import ContractKind
from shared.billing.money import Money
from shared.billing.period import Period
from shared.framework.testing.spec import Given, Spec

commitment = Spec(COMMITMENT)
NOW = datetime(2024, 3, 1, 2, tzinfo=UTC)
FEBRUARY = Period(datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC))
TWO_DAYS = Period(datetime(2024, 2, 28, tzinfo=UTC), FEBRUARY.end)


def begun(terms: ContractTerms) -> "Given[object, object, CommitmentEvent]":
    """A commitment that has begun."""
    started = commitment.when(StartCommitment(terms=terms, number=0, now=NOW)).decided
    return commitment.given(*started)  # type: ignore[return-value]


def count(invoice_id: str, charged: int) -> CountInvoice:
    """An invoice with usage alone."""
    amounts = ContractAmounts(charged=charged, usage=charged)
    return CountInvoice(invoice_id=invoice_id, subscription_id="sub_1", amounts=amounts, now=NOW)


def closed(terms: ContractTerms, *counted: int) -> CommitmentClosed:
    """The close after invoices of these amounts."""
    so_far = begun(terms)
    for number, amount in enumerate(counted):
        so_far = so_far.and_then(*so_far.when(count(f"inv_{number}", amount)).decided)
    [event] = so_far.when(CloseCommitment(terms=terms, invoice_id="inv_t", now=NOW)).decided
    assert isinstance(event, CommitmentClosed)
    return event


def test_a_minimum_of_two_days_of_29_is_prorated() -> None:
    """Vector V35: 689.66 less 76.90 that was billed; a whole month less 115.00."""
    cut = terms_of(ContractKind.MINIMUM, "10000", period=TWO_DAYS, full_period=FEBRUARY)
    assert closed(cut, 690, 1500, 2500, 3000).true_up == Money(61_276, "EUR")
    whole = terms_of(ContractKind.MINIMUM, "10000", period=FEBRUARY)
    assert closed(whole, 10_000, 1500).true_up == Money(988_500, "EUR")


def test_earlier_invoices_count_and_nothing_is_due_once_it_is_reached() -> None:
    """Vector V32: 1000 less 100 is 900; without usage the whole minimum is due."""
    terms = terms_of(ContractKind.MINIMUM, "1000")
    assert closed(terms, 10_000).true_up == Money(90_000, "EUR")
    assert closed(terms).true_up == Money(100_000, "EUR")
    reached = closed(terms, 60_000, 50_000)
    assert (reached.true_up.minor, reached.invoice_id, reached.counted.minor) == (0, None, 110_000)


def test_a_termination_prorates_what_is_due() -> None:
    """Terminated on 15 February: 14 of 29 days."""
    terms = terms_of(ContractKind.MINIMUM, "2900", period=FEBRUARY)
    cut = replace(terms, terminated_at=datetime(2024, 2, 15, tzinfo=UTC))
    assert closed(cut, 100_000).true_up == Money(40_000, "EUR")


def test_a_prepaid_commitment_is_invoiced_once_and_what_is_left_expires() -> None:
    """No money goes back."""
    terms = terms_of(ContractKind.PREPAID, "100")
    invoice = InvoicePrepaid(invoice_id="inv_p", now=NOW)
    so_far = begun(terms)
    once = so_far.and_then(*so_far.when(invoice).decided)
    once.when(replace(invoice, invoice_id="inv_q")).then_nothing()
    event = closed(terms)
    assert (event.true_up.minor, event.expired.minor, event.invoice_id) == (0, 10_000, None)
    begun(terms_of(ContractKind.MINIMUM, "100")).when(invoice).then_nothing()
    begun(terms_of(ContractKind.PREPAID, "0")).when(invoice).then_nothing()


def test_an_awaited_invoice_keeps_it_open_until_it_is_counted_or_voided() -> None:
    """A true-up before it would be too large."""
    terms = terms_of(ContractKind.MINIMUM, "100")
    expect = AwaitInvoice(invoice_id="inv_1", subscription_id="sub_1", service_period=FEBRUARY, now=NOW)
    close = CloseCommitment(terms=terms, invoice_id="inv_t", now=NOW)
    so_far = begun(terms)
    waiting = so_far.and_then(*so_far.when(expect).decided)
    waiting.when(expect).then_nothing()
    waiting.when(close).then_nothing()
    for end in (count("inv_1", 400), ReleaseInvoice(invoice_id="inv_1", now=NOW)):
        [event] = waiting.and_then(*waiting.when(end).decided).when(close).decided
        assert isinstance(event, CommitmentClosed)
        assert event.counted.minor == (400 if isinstance(end, CountInvoice) else 0)


def test_an_invoice_counts_once_and_not_after_it_was_voided() -> None:
    """A repeated finalization has no second effect."""
    terms = terms_of(ContractKind.MINIMUM, "100")
    so_far = begun(terms)
    counted = so_far.and_then(*so_far.when(count("inv_1", 400)).decided)
    counted.when(count("inv_1", 400)).then_nothing()
    [released] = counted.when(ReleaseInvoice(invoice_id="inv_1", now=NOW)).decided
    assert msgspec.structs.asdict(released)["charged"] == Money(400, "EUR")
    again = counted.and_then(released)
    again.when(ReleaseInvoice(invoice_id="inv_1", now=NOW)).then_nothing()
    [event] = again.when(CloseCommitment(terms=terms, invoice_id="inv_t", now=NOW)).decided
    assert isinstance(event, CommitmentClosed)
    assert event.counted.minor == 0


def test_a_closed_commitment_changes_no_more() -> None:
    """Its true-up is a final document; only a fee may follow, once."""
    terms = terms_of(ContractKind.MINIMUM, "100")
    so_far = begun(terms)
    close = CloseCommitment(terms=terms, invoice_id="inv_t", now=NOW)
    ended = so_far.and_then(*so_far.when(close).decided)
    for command in (count("inv_1", 400), ReleaseInvoice(invoice_id="inv_1", now=NOW), close):
        ended.when(command).then_nothing()
    fee = InvoiceTerminationFee(invoice_id="inv_f", amount=Money(5, "EUR"), now=NOW)
    ended.and_then(*ended.when(fee).decided).when(fee).then_nothing()


def test_the_commitment_of_a_period_is_a_decimal_of_its_currency() -> None:
    """Yen have no decimal places: 68.97 is 69."""
    terms = terms_of(ContractKind.MINIMUM, "1000", currency="JPY", period=TWO_DAYS, full_period=FEBRUARY)
    assert closed(terms).true_up == Money(69, "JPY")
