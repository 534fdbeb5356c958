"""The lines of the invoices that a contract causes by itself, with steps that a reader computes again."""

from collections.abc import Iterator
from decimal import Decimal

from services.invoicing.commitments.decider import commitment_amount, commitment_steps
from services.invoicing.commitments.lines import ONE, line_of_steps
from services.invoicing.contract_terms.decider import ContractTerms
from shared.billing.contracts.invoicing.commitments import CommitmentClosed
from shared.billing.contracts.invoicing.invoices import InvoiceLine
from shared.billing.contracts.subscriptions.contracts import ContractKind
from shared.billing.money import Money
from shared.billing.pricing import RatingStep, exact_sum
from shared.billing.pricing.model import rating_step


def prepaid_line(terms: ContractTerms, number: int, invoice_id: str) -> InvoiceLine:
    """The prepaid commitment of a period."""
    steps, amount = commitment_steps(terms, number), commitment_amount(terms, number)
    return _line(terms, number, invoice_id, "prepaid commitment", amount, steps)


def true_up_line(terms: ContractTerms, number: int, closed: CommitmentClosed, invoice_id: str) -> InvoiceLine:
    """What a period lacks of its commitment: the commitment less what was billed of it."""
    billed = rating_step("billed in the period", ONE, -closed.counted.major)
    steps = (*commitment_steps(terms, number), billed)
    return _line(terms, number, invoice_id, "true-up to the commitment", closed.true_up, steps)


def fee_line(terms: ContractTerms, number: int, invoice_id: str) -> InvoiceLine | None:
    """The fee for a termination in the period of this number; None if there is none, or it is zero."""
    fee = terms.recorded.termination_fee
    if fee is None:
        return None
    if fee.amount is not None:
        steps: tuple[RatingStep, ...] = (rating_step("as agreed", ONE, fee.amount.major),)
    else:
        steps = tuple(_shares(terms, fee.share or Decimal(0)))
    amount = Money.rounded(exact_sum(steps), terms.recorded.currency)
    return _line(terms, number, invoice_id, "early termination fee", amount, steps) if amount.minor else None


def _shares(terms: ContractTerms, share: Decimal) -> Iterator[RatingStep]:
    """The share of each commitment that was still to come: what is cut off one period, and all of later ones.

    Of a prepaid period nothing is still to come: it was billed at its start.
    """
    kept, whole = terms.periods, ContractTerms(terms.recorded)
    if kept and terms.recorded.kind is not ContractKind.PREPAID:
        last = len(kept) - 1
        cut = commitment_amount(whole, last) - commitment_amount(terms, last)
        if cut.minor:
            yield rating_step(f"commitment after {_day(kept[last].period.end)}", share, cut.major)
    for number in range(len(kept), len(whole.periods)):
        start, amount = whole.periods[number].period.start, commitment_amount(whole, number)
        yield rating_step(f"commitment of the period from {_day(start)}", share, amount.major)


def _day(instant: object) -> str:
    return f"{instant:%Y-%m-%d}"


def _line(
    terms: ContractTerms,
    number: int,
    invoice_id: str,
    what: str,
    amount: Money,
    steps: tuple[RatingStep, ...],
) -> InvoiceLine:
    recorded = terms.recorded
    period = ContractTerms(recorded).periods[number].period if number >= len(terms.periods) else None
    return line_of_steps(
        invoice_id,
        recorded.contract_id,
        f"{recorded.name}: {what} ({recorded.contract_id})",
        amount,
        steps,
        period or terms.periods[number].period,
    )
