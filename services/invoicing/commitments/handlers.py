"""Counts invoices in the commitments of their customer's contracts.

Each period of a contract has a stream. Of two invoices that are finalized at once one is decided again:
both count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from services.invoicing.commitments.amounts import ContractAmounts, amounts_of
from services.invoicing.commitments.decider import (
    COMMITMENT,
    AwaitInvoice,
    CountInvoice,
    ReleaseInvoice,
    StartCommitment,
    commitment_amount,
    commitment_id_of,
)
from services.invoicing.commitments.lines import ContractInvoice, contract_lines, volume_discount
from services.invoicing.commitments.state import ClosedCommitment, OpenCommitment
from services.invoicing.contract_terms.decider import CONTRACT_TERMS, ContractTerms, contract_terms_id
from shared.billing.contracts.invoicing.invoices import InvoiceDiscount, InvoiceLine, LineDiscount
from shared.billing.period import Period
from shared.framework.core.ids import derived_id
from shared.framework.eventstore.unit_of_work import Session

CLOSE_COMMITMENT = "close-commitment"
"""The purpose of the timers that close commitments."""

CLOSES_AFTER = timedelta(hours=2)
"""Wait after a period, so that readings taken a grace time after it (1 h by default) come first."""


@dataclass(frozen=True, slots=True)
class PeriodOfContract:
    """One period of a contract, by its number."""

    terms: ContractTerms
    number: int

    @property
    def commitment_id(self) -> str:
        """The stream of its commitment."""
        return commitment_id_of(self.terms.recorded.contract_id, self.number)

    @property
    def closes_at(self) -> datetime:
        """When it is closed, if all invoices are there."""
        return self.terms.periods[self.number].period.end + CLOSES_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledInvoice:
    """An invoice of a subscription that is being rated, with the lines of its charges."""

    invoice_id: str
    customer_id: str
    subscription_id: str
    currency: str
    lines: Sequence[InvoiceLine]


@dataclass(frozen=True, slots=True)
class ContractCharges:
    """The lines of an invoice with what contracts take off and add, and what is to be counted then."""

    lines: tuple[InvoiceLine, ...]
    discounts: tuple[InvoiceDiscount, ...]
    counts: tuple[tuple[PeriodOfContract, CountInvoice], ...]


async def await_invoice(
    session: Session,
    *,
    customer_id: str,
    subscription_id: str,
    currency: str,
    service_period: Period,
    invoice_id: str,
) -> None:
    """Keep the commitment open in whose period a service period has ended, until its invoice is finalized."""
    for terms in await _covering(session, customer_id, subscription_id, currency):
        found = await _open_period(session, terms, service_period.end)
        if found is not None:
            await start_commitment(session, found)
            command = AwaitInvoice(
                invoice_id=invoice_id,
                subscription_id=subscription_id,
                service_period=service_period,
                now=session.now,
            )
            await session.handle(COMMITMENT, found.commitment_id, command)


async def charge_contracts(session: Session, invoice: BilledInvoice) -> ContractCharges:
    """An invoice as contracts charge it. Nothing is written: `count_invoice` does it.

    A line counts in the period in which its own service period ended.
    """
    added: list[InvoiceLine] = []
    discounts: list[InvoiceDiscount] = []
    parts: dict[str, LineDiscount] = {}
    counts = []
    for terms in await _covering(session, invoice.customer_id, invoice.subscription_id, invoice.currency):
        for period, lines in await _by_period(session, terms, invoice.lines):
            charged = await _charged(session, invoice.invoice_id, period, lines)
            discount, of_lines = volume_discount(charged)
            discounts += [discount] if discount else []
            parts |= of_lines
            added += contract_lines(charged)
            counts.append((period, _count(invoice, charged.amounts, session.now)))
    lines = tuple(_reduced(line, parts.get(line.line_id)) for line in invoice.lines)
    return ContractCharges((*lines, *added), tuple(discounts), tuple(counts))


async def count_invoice(session: Session, charges: ContractCharges) -> None:
    """Count a finalized invoice, and close what waited for it."""
    for period, command in charges.counts:
        await start_commitment(session, period)
        await session.handle(COMMITMENT, period.commitment_id, command)
        await _close_if_waiting(session, period, command.invoice_id)


async def release_invoice(
    session: Session, *, invoice_id: str, customer_id: str, subscription_id: str, currency: str
) -> None:
    """Take a voided invoice out of the commitments that are open; what is closed stays as it is."""
    for terms in await _covering(session, customer_id, subscription_id, currency):
        for number in range(len(terms.periods)):
            period = PeriodOfContract(terms, number)
            release = ReleaseInvoice(invoice_id=invoice_id, now=session.now)
            if await session.handle(COMMITMENT, period.commitment_id, release):
                await _close_if_waiting(session, period, invoice_id)


async def start_commitment(session: Session, period: PeriodOfContract) -> None:
    """Begin the commitment of a period, unless it has begun."""
    command = StartCommitment(terms=period.terms, number=period.number, now=session.now)
    await session.handle(COMMITMENT, period.commitment_id, command)


def schedule_close(session: Session, period: PeriodOfContract, at: datetime, *cause: str) -> None:
    """Set a timer that closes a commitment; `cause`: if it is another one than the end of the period."""
    contract = period.terms.recorded
    payload = {
        "customer_id": contract.customer_id,
        "contract_id": contract.contract_id,
        "number": period.number,
    }
    timer_id = derived_id("tmr", period.commitment_id, CLOSE_COMMITMENT, at.isoformat(), *cause)
    session.schedule(timer_id, at, CLOSE_COMMITMENT, payload)


async def _close_if_waiting(session: Session, period: PeriodOfContract, invoice_id: str) -> None:
    """Close a commitment by a timer of its own, if its time has come and this invoice was the last one."""
    commitment = await session.state(COMMITMENT, period.commitment_id)
    if isinstance(commitment, OpenCommitment) and not commitment.awaited and session.now >= period.closes_at:
        schedule_close(session, period, session.now, invoice_id)


async def _covering(
    session: Session, customer_id: str, subscription_id: str, currency: str
) -> Sequence[ContractTerms]:
    contracts = await session.state(CONTRACT_TERMS, contract_terms_id(customer_id))
    return [terms for terms in contracts.values() if terms.covers(subscription_id, currency)]


async def _open_period(session: Session, terms: ContractTerms, ended_at: datetime) -> PeriodOfContract | None:
    """The period of a contract in which a service period ended; if it is closed, the next that is not."""
    if (first := terms.number_of(ended_at)) is None:
        return None
    for number in range(first, len(terms.periods)):
        period = PeriodOfContract(terms, number)
        commitment = await session.state(COMMITMENT, period.commitment_id)
        if not isinstance(commitment, ClosedCommitment):
            return period
    return None


async def _by_period(
    session: Session, terms: ContractTerms, lines: Sequence[InvoiceLine]
) -> Sequence[tuple[PeriodOfContract, Sequence[InvoiceLine]]]:
    """The lines by the period of the contract in which they count."""
    found: dict[int, list[InvoiceLine]] = {}
    for line in lines:
        period = await _open_period(session, terms, line.period.end) if line.period else None
        if period is not None:
            found.setdefault(period.number, []).append(line)
    return [(PeriodOfContract(terms, number), counted) for number, counted in found.items()]


async def _charged(
    session: Session, invoice_id: str, period: PeriodOfContract, lines: Sequence[InvoiceLine]
) -> ContractInvoice:
    """The amounts of lines that count in a period, after those of earlier invoices."""
    commitment = await session.state(COMMITMENT, period.commitment_id)
    recorded, number = period.terms.recorded, period.number
    before = commitment.amounts if isinstance(commitment, OpenCommitment) else ContractAmounts()
    committed = commitment_amount(ContractTerms(recorded), number)
    return ContractInvoice(
        invoice_id=invoice_id,
        commitment_id=period.commitment_id,
        contract_id=recorded.contract_id,
        contract_name=recorded.name,
        period=period.terms.periods[number].period,
        commitment=committed,
        discounts=recorded.volume_discounts,
        overage=recorded.overage,
        lines=lines,
        before=before,
        amounts=amounts_of(
            lines, before, committed, recorded.kind, recorded.volume_discounts, recorded.overage
        ),
    )


def _reduced(line: InvoiceLine, part: LineDiscount | None) -> InvoiceLine:
    return line if part is None else msgspec.structs.replace(line, discounts=(*line.discounts, part))


def _count(invoice: BilledInvoice, amounts: ContractAmounts, now: datetime) -> CountInvoice:
    return CountInvoice(
        invoice_id=invoice.invoice_id, subscription_id=invoice.subscription_id, amounts=amounts, now=now
    )
