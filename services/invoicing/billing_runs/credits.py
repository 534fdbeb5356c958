"""Lines that give back what was billed before, as far as it was paid (billing rule 9)."""

from collections.abc import Iterable
from datetime import datetime

from services.invoicing.billed_items.decider import BILLED_ITEM, CreditItem
from services.invoicing.invoices.decider import INVOICE
from services.invoicing.invoices.state import Invoice, NoInvoice, Paid, Voided
from services.invoicing.rating.items import limited
from shared.billing.contracts.invoicing.billed_items import ItemCredited
from shared.billing.contracts.invoicing.invoices import InvoiceLine
from shared.billing.contracts.subscriptions.billing_items import BillingItem
from shared.billing.money import Money
from shared.framework.eventstore.unit_of_work import Session


async def credited_lines(
    session: Session, lines: Iterable[tuple[BillingItem, InvoiceLine]], now: datetime
) -> tuple[InvoiceLine, ...]:
    """The lines of items, in which what is given back is at most what was paid and not given back before.

    What is not paid yet is held, and leaves no line.
    """
    kept = []
    for item, line in lines:
        if item.credit_of is None:
            kept.append(line)
        elif (amount := await _credit(session, item, item.credit_of, line, now)) is not None:
            kept.append(limited(line, amount))
    return tuple(kept)


async def _credit(
    session: Session, item: BillingItem, credit_of: str, line: InvoiceLine, now: datetime
) -> Money | None:
    billed = (await session.state(BILLED_ITEM, credit_of)).billed
    invoice: Invoice = NoInvoice()
    if billed is not None:
        invoice = await session.state(INVOICE, billed.invoice_id)
    command = CreditItem(
        item_id=credit_of,
        credit_item_id=item.item_id,
        amount=-line.amount,
        is_paid=isinstance(invoice, Paid),
        is_void=isinstance(invoice, Voided),
        now=now,
    )
    events = await session.handle(BILLED_ITEM, credit_of, command)
    credited = [event.amount for event in events if isinstance(event, ItemCredited)]
    return credited[0] if credited and credited[0].minor else None
