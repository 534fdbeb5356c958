"""What finalizing and voiding an invoice change on the credit of its customer."""

from datetime import datetime

from services.invoicing.customer_credit.decider import (
    CUSTOMER_CREDIT,
    GrantCredit,
    UseCredit,
    customer_credit_id,
)
from shared.billing.contracts.invoicing.invoices import InvoiceFinalized
from shared.billing.money import Money
from shared.framework.core.ids import derived_id
from shared.framework.eventstore.unit_of_work import Session


async def credit_left(session: Session, customer_id: str, currency: str) -> int:
    """The credit of a customer in a currency, in minor units."""
    stream = customer_credit_id(customer_id, currency)
    return (await session.state(CUSTOMER_CREDIT, stream)).left


async def apply_credit(session: Session, document: InvoiceFinalized) -> None:
    """Use the credit that the document applies, or grant what is below zero."""
    if document.credit_applied is not None:
        await _use(session, document, document.credit_applied, "invoice", document.finalized_at)
    elif document.total.minor < 0:
        await _grant(session, document, -document.total, "total below zero", document.finalized_at)


async def undo_credit(session: Session, document: InvoiceFinalized, now: datetime) -> None:
    """Give back the credit that a voided document applied; take back what is left of what it granted."""
    if document.credit_applied is not None:
        await _grant(session, document, document.credit_applied, "voided", now)
    elif document.total.minor < 0:
        await _use(session, document, -document.total, "voided", now)


async def _grant(
    session: Session, document: InvoiceFinalized, amount: Money, reason: str, now: datetime
) -> None:
    command = GrantCredit(
        customer_id=document.customer_id,
        credit_id=derived_id("cre", document.invoice_id, reason),
        invoice_id=document.invoice_id,
        amount=amount,
        reason=reason,
        now=now,
    )
    stream = customer_credit_id(document.customer_id, amount.currency)
    await session.handle(CUSTOMER_CREDIT, stream, command)


async def _use(
    session: Session, document: InvoiceFinalized, amount: Money, reason: str, now: datetime
) -> None:
    command = UseCredit(
        customer_id=document.customer_id,
        invoice_id=document.invoice_id,
        amount=amount,
        reason=reason,
        now=now,
    )
    stream = customer_credit_id(document.customer_id, amount.currency)
    await session.handle(CUSTOMER_CREDIT, stream, command)
