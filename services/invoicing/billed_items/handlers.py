"""What billing, crediting and paying an item change on several streams."""

from datetime import datetime
from decimal import Decimal, localcontext

from services.invoicing.billed_items.decider import (
    BILLED_ITEM,
    RecordBilling,
    ReleaseHeldCredits,
)
from services.invoicing.customer_credit.decider import CUSTOMER_CREDIT, GrantCredit, customer_credit_id
from shared.billing.contracts.invoicing.billed_items import ItemCredited
from shared.billing.contracts.invoicing.invoices import InvoiceFinalized, InvoiceLine
from shared.billing.money import EXACT, Money
from shared.framework.eventstore.unit_of_work import Session


async def record_billing(session: Session, document: InvoiceFinalized) -> None:
    """Record the items that a finalized invoice bills."""
    for line in document.lines:
        if line.item_id is not None and line.amount.minor > 0:
            command = RecordBilling(
                item_id=line.item_id,
                invoice_id=document.invoice_id,
                customer_id=document.customer_id,
                amount=line.amount - _discount(line),
                now=document.finalized_at,
            )
            await session.handle(BILLED_ITEM, line.item_id, command)


async def release_held_credits(session: Session, document: InvoiceFinalized, now: datetime) -> None:
    """Turn what was held of the invoice's items into credit of the customer, with its part of the tax."""
    for line in document.lines:
        if line.item_id is None or line.amount.minor <= 0:
            continue
        release = ReleaseHeldCredits(item_id=line.item_id, now=now)
        for event in await session.handle(BILLED_ITEM, line.item_id, release):
            if isinstance(event, ItemCredited):
                grant = GrantCredit(
                    customer_id=document.customer_id,
                    credit_id=event.credit_item_id,
                    invoice_id=document.invoice_id,
                    amount=event.amount + _tax_on(document, event.amount),
                    reason="unused time",
                    now=now,
                )
                stream = customer_credit_id(document.customer_id, event.amount.currency)
                await session.handle(CUSTOMER_CREDIT, stream, grant)


def _discount(line: InvoiceLine) -> Money:
    return Money(sum(part.amount.minor for part in line.discounts), line.amount.currency)


def _tax_on(document: InvoiceFinalized, amount: Money) -> Money:
    with localcontext(EXACT):
        rate = sum((tax.rate for tax in document.taxes), start=Decimal(0))
        return Money.rounded(amount.major * rate, amount.currency)
