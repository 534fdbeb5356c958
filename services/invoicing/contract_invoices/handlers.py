"""What is due by the calendar of a contract: commitments begin, are billed and closed; a fee is billed."""

from dataclasses import dataclass

from services.invoicing.commitments.decider import (
    COMMITMENT,
    CloseCommitment,
    InvoicePrepaid,
    InvoiceTerminationFee,
)
from services.invoicing.commitments.handlers import PeriodOfContract, schedule_close, start_commitment
from services.invoicing.contract_invoices.documents import fee_line, prepaid_line, true_up_line
from services.invoicing.contract_terms.decider import CONTRACT_TERMS, ContractTerms, contract_terms_id
from services.invoicing.invoices.commands import DraftInvoice, FinalizeDraft, RateInvoice
from services.invoicing.invoices.decider import INVOICE
from services.invoicing.invoices.handlers import finalize
from shared.billing.contracts.invoicing.commitments import CommitmentClosed
from shared.billing.contracts.invoicing.invoices import InvoiceLine
from shared.framework.core.ids import derived_id
from shared.framework.eventstore.unit_of_work import Session

START_COMMITMENT = "start-commitment"
INVOICE_TERMINATION_FEE = "invoice-termination-fee"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodDue:
    """The period of a contract for which a timer is due."""

    customer_id: str
    contract_id: str
    number: int


async def follow_contract(session: Session, terms: ContractTerms) -> None:
    """Set the timer of the first period, and of the end of a terminated contract."""
    _schedule_start(session, PeriodOfContract(terms, 0))
    if (ended_at := terms.terminated_at) is None:
        return
    if terms.periods:
        last = PeriodOfContract(terms, len(terms.periods) - 1)
        schedule_close(session, last, last.closes_at)
    due = _payload(terms, max(0, len(terms.periods) - 1))
    timer_id = derived_id("tmr", terms.recorded.contract_id, INVOICE_TERMINATION_FEE)
    session.schedule(timer_id, ended_at, INVOICE_TERMINATION_FEE, due)


async def resume(session: Session, stream_id: str) -> None:
    """Set the timers of a customer's contracts that were put back; what was done already is not repeated."""
    for terms in (await session.state(CONTRACT_TERMS, stream_id)).values():
        await follow_contract(session, terms)


async def start_period(session: Session, due: PeriodDue) -> None:
    """Begin the commitment of a period, bill it if it is prepaid, and set the timers of its end."""
    period = await _period(session, due)
    if period is None:
        return  # terminated before it began
    await start_commitment(session, period)
    invoice_id = derived_id("inv", period.commitment_id, "prepaid")
    if await session.handle(
        COMMITMENT, period.commitment_id, InvoicePrepaid(invoice_id=invoice_id, now=session.now)
    ):
        line = prepaid_line(ContractTerms(period.terms.recorded), due.number, invoice_id)
        await _invoice(session, period.terms, invoice_id, line)
    schedule_close(session, period, period.closes_at)
    if due.number + 1 < len(period.terms.periods):
        _schedule_start(session, PeriodOfContract(period.terms, due.number + 1))


async def close_period(session: Session, due: PeriodDue) -> None:
    """Close the commitment of a period, and bill what is missing, unless invoices are awaited."""
    period = await _period(session, due)
    if period is None or session.now < period.closes_at:
        return
    await start_commitment(session, period)
    invoice_id = derived_id("inv", period.commitment_id, "true-up")
    command = CloseCommitment(terms=period.terms, invoice_id=invoice_id, now=session.now)
    for event in await session.handle(COMMITMENT, period.commitment_id, command):
        if isinstance(event, CommitmentClosed) and event.invoice_id is not None:
            line = true_up_line(period.terms, due.number, event, invoice_id)
            await _invoice(session, period.terms, invoice_id, line)


async def invoice_termination_fee(session: Session, due: PeriodDue) -> None:
    """Bill the fee of a terminated contract, if it has one."""
    terms = await _terms(session, due)
    invoice_id = derived_id("inv", due.contract_id, "termination-fee")
    line = fee_line(terms, due.number, invoice_id)
    if line is None:
        return
    period = PeriodOfContract(ContractTerms(terms.recorded), due.number)
    await start_commitment(session, period)
    command = InvoiceTerminationFee(invoice_id=invoice_id, amount=line.amount, now=session.now)
    if await session.handle(COMMITMENT, period.commitment_id, command):
        await _invoice(session, terms, invoice_id, line)


async def _invoice(session: Session, terms: ContractTerms, invoice_id: str, line: InvoiceLine) -> None:
    """Issue an invoice with one line, outside any billing period."""
    recorded, now = terms.recorded, session.now
    draft = DraftInvoice(
        invoice_id=invoice_id, customer_id=recorded.customer_id, currency=recorded.currency, now=now
    )
    await session.handle(INVOICE, invoice_id, draft)
    await session.handle(INVOICE, invoice_id, RateInvoice(invoice_id=invoice_id, lines=(line,), now=now))
    await finalize(session, FinalizeDraft(invoice_id=invoice_id, now=now))


async def _terms(session: Session, due: PeriodDue) -> ContractTerms:
    contracts = await session.state(CONTRACT_TERMS, contract_terms_id(due.customer_id))
    return contracts[due.contract_id]


async def _period(session: Session, due: PeriodDue) -> PeriodOfContract | None:
    """The period of a timer; None if the contract was terminated before it."""
    terms = await _terms(session, due)
    return PeriodOfContract(terms, due.number) if due.number < len(terms.periods) else None


def _schedule_start(session: Session, period: PeriodOfContract) -> None:
    one = ContractTerms(period.terms.recorded).periods[period.number]
    timer_id = derived_id("tmr", period.commitment_id, START_COMMITMENT)
    session.schedule(timer_id, one.period.start, START_COMMITMENT, _payload(period.terms, period.number))


def _payload(terms: ContractTerms, number: int) -> dict[str, str | int]:
    recorded = terms.recorded
    return {"customer_id": recorded.customer_id, "contract_id": recorded.contract_id, "number": number}
