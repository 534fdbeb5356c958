"""An item of a subscription: billed on one invoice, given back in parts, never more than was paid of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.billing.contracts.invoicing.billed_items import ItemBilled, ItemCredited, ItemCreditHeld
from shared.billing.money import Money
from shared.framework.core.decider import Decider


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordBilling:
    """The item is a line of an invoice that was finalized."""

    item_id: str
    invoice_id: str
    customer_id: str
    amount: Money
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditItem:
    """Give a part of the item back; `is_paid`: its invoice is paid, `is_void`: it is not owed."""

    item_id: str
    credit_item_id: str
    amount: Money
    is_paid: bool
    is_void: bool
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseHeldCredits:
    """The item's invoice was paid: give back what was held."""

    item_id: str
    now: datetime


@dataclass(frozen=True, slots=True)
class BilledItem:
    """`billed` is None until it is; `credited`: minor units given back; `credits`: decided credit items."""

    billed: ItemBilled | None = None
    credited: int = 0
    credits: frozenset[str] = frozenset()
    held: tuple[ItemCreditHeld, ...] = ()


ItemCommand = RecordBilling | CreditItem | ReleaseHeldCredits
ItemEvent = ItemBilled | ItemCredited | ItemCreditHeld


def decide(item: BilledItem, command: ItemCommand) -> Sequence[ItemEvent]:
    """The events of a command; nothing if it is repeated, or if nothing can be given back."""
    match command:
        case RecordBilling() if item.billed is None:
            return [
                ItemBilled(
                    item_id=command.item_id,
                    invoice_id=command.invoice_id,
                    customer_id=command.customer_id,
                    amount=command.amount,
                    billed_at=command.now,
                )
            ]
        case CreditItem() if command.credit_item_id not in item.credits and not command.is_void:
            return _credit(item, command)
        case ReleaseHeldCredits():
            return _release(item, command)
    return []


def evolve(item: BilledItem, event: ItemEvent) -> BilledItem:
    """The state after an event."""
    match event:
        case ItemBilled():
            return replace(item, billed=event)
        case ItemCredited():
            return replace(
                item,
                credited=item.credited + event.amount.minor,
                credits=item.credits | {event.credit_item_id},
                held=tuple(one for one in item.held if one.credit_item_id != event.credit_item_id),
            )
        case ItemCreditHeld():
            return replace(item, credits=item.credits | {event.credit_item_id}, held=(*item.held, event))


BILLED_ITEM: Decider[BilledItem, ItemCommand, ItemEvent] = Decider(BilledItem(), decide, evolve)


def creditable(item: BilledItem, amount: int) -> int:
    """What of an amount may be given back: paid minus already given back at the most (vector V49)."""
    paid = item.billed.amount.minor if item.billed else 0
    return max(0, min(amount, paid - item.credited))


def _credit(item: BilledItem, command: CreditItem) -> Sequence[ItemEvent]:
    if not command.is_paid:
        return [
            ItemCreditHeld(
                item_id=command.item_id,
                credit_item_id=command.credit_item_id,
                amount=command.amount,
                held_at=command.now,
            )
        ]
    amount = creditable(item, command.amount.minor)
    return [
        ItemCredited(
            item_id=command.item_id,
            credit_item_id=command.credit_item_id,
            amount=Money(amount, command.amount.currency),
            was_held=False,
            credited_at=command.now,
        )
    ]


def _release(item: BilledItem, command: ReleaseHeldCredits) -> Sequence[ItemEvent]:
    events: list[ItemEvent] = []
    for held in item.held:
        event = ItemCredited(
            item_id=command.item_id,
            credit_item_id=held.credit_item_id,
            amount=Money(creditable(item, held.amount.minor), held.amount.currency),
            was_held=True,
            credited_at=command.now,
        )
        events.append(event)
        item = evolve(item, event)
    return events
