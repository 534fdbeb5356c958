"""Balances, one row for each customer and currency: sums, so the order of events does not matter."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, get_args

import msgspec

from projections.engine.read_model import CustomerSource, DecodedEvent, ReadModel
from shared.billing.contracts.invoicing.customer_credit import CustomerCreditGranted, CustomerCreditUsed
from shared.billing.contracts.invoicing.invoices import InvoiceFinalized, InvoiceVoided
from shared.billing.contracts.payments.payments import PaymentSucceeded
from shared.billing.contracts.payments.refunds import RefundIssued
from shared.billing.money import Money

BalanceEvent = (
    InvoiceFinalized
    | InvoiceVoided
    | PaymentSucceeded
    | RefundIssued
    | CustomerCreditGranted
    | CustomerCreditUsed
)


class BalanceRow(msgspec.Struct, frozen=True, kw_only=True):
    """Sums in minor units of `currency`.

    `billed`: amounts due of finalized invoices, less those voided since. `paid`: captured payments.
    `refunded`: issued refunds. `credit`: what the customer has for later invoices.
    `since`: the earliest `occurred_at` of all these events.
    """

    customer_id: str
    currency: str
    since: datetime
    billed: int = 0
    paid: int = 0
    refunded: int = 0
    credit: int = 0

    @property
    def owed(self) -> int:
        """billed - paid + refunded; negative if the customer has paid more."""
        return self.billed - self.paid + self.refunded


def balance_id(customer_id: str, currency: str) -> str:
    """The id of the row of a customer and currency; amounts of different currencies are never added."""
    return f"{customer_id}:{currency}"


def parts(decoded: DecodedEvent) -> Iterable[tuple[str, BalanceEvent]]:
    """The row of the event's customer, in the currency of its amount."""
    event: Any = decoded.event
    return [(balance_id(event.customer_id, _entry(event)[1].currency), event)]


def fold(row: BalanceRow | None, event: BalanceEvent, decoded: DecodedEvent) -> BalanceRow:
    """The row with the event's amount added to one of its sums."""
    column, amount = _entry(event)
    known = row or BalanceRow(
        customer_id=event.customer_id, currency=amount.currency, since=decoded.occurred_at
    )
    added: dict[str, Any] = {column: getattr(known, column) + amount.minor}
    return msgspec.structs.replace(known, since=min(known.since, decoded.occurred_at), **added)


def _entry(event: BalanceEvent) -> tuple[str, Money]:
    """The column that an event adds to, and the amount."""
    match event:
        case InvoiceFinalized():
            return "billed", event.amount_due
        case InvoiceVoided():
            return "billed", -event.amount_due
        case PaymentSucceeded():
            return "paid", event.amount
        case RefundIssued():
            return "refunded", event.amount
        case CustomerCreditGranted():
            return "credit", event.amount
        case CustomerCreditUsed():
            return "credit", -event.amount


BALANCES = ReadModel(
    name="balances",
    version=3,
    row=BalanceRow,
    events=get_args(BalanceEvent),
    targets=parts,
    fold=fold,
    sorted_by=lambda row: row.since,
    filters=("customer_id", "currency"),
    owner="customer_id",
    cached=True,
    source=lambda row_id: CustomerSource(row_id.rpartition(":")[0]),
)
