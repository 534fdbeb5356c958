"""Events of billed items: where an item of a subscription was billed, and what was given back of it."""

from datetime import datetime

from shared.billing.money import Money
from shared.framework.core.event import Event


class ItemBilled(Event, frozen=True, kw_only=True):
    """An item is a line of a finalized invoice."""

    wire_name = "invoicing.item.billed.v1"

    item_id: str
    invoice_id: str
    customer_id: str
    amount: Money
    billed_at: datetime


class ItemCredited(Event, frozen=True, kw_only=True):
    """A part of a paid item was given back, on an invoice or (`was_held`) as credit of the customer."""

    wire_name = "invoicing.item.credited.v1"

    item_id: str
    credit_item_id: str
    amount: Money
    was_held: bool
    credited_at: datetime


class ItemCreditHeld(Event, frozen=True, kw_only=True):
    """A part of an item that is not paid is to be given back as soon as it is (billing rule 9)."""

    wire_name = "invoicing.item-credit.held.v1"

    item_id: str
    credit_item_id: str
    amount: Money
    held_at: datetime
