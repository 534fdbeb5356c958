"""Balances: per customer and currency, sums of facts, so that their order does not matter."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from projections.engine.read_model import CustomerSource, DecodedEvent, ReadModel, Source
from shared.billing.contracts.invoicing.invoices import InvoiceFinalized, InvoiceVoided
from shared.billing.contracts.payments.payments import PaymentSucceeded
from shared.billing.contracts.payments.refunds import RefundIssued
from shared.billing.money import Money

BalanceEvent = InvoiceFinalized | InvoiceVoided | PaymentSucceeded | RefundIssued


class BalanceRow(msgspec.Struct, frozen=True, kw_only=True):
    """In minor units of `currency`.

    `billed`: amounts due of finalized invoices, less those voided since. `paid`: money that came in.
    `refunded`: money that went back. `since` is the first moment at which anything happened.
    """

    customer_id: str
    currency: str
    since: datetime
    billed: int = 0
    paid: int = 0
    refunded: int = 0

    @property
    def owed(self) -> int:
        """billed - paid + refunded; below zero the customer has credit."""
        return self.billed - self.paid + self.refunded


def balance_id(customer_id: str, currency: str) -> str:
    """The row's id: a customer may owe in several currencies, and they never mix."""
    return f"{customer_id}:{currency}"


def parts(event: BalanceEvent) -> Iterable[tuple[str, BalanceEvent]]:
    """The balance in the currency of the amount."""
    return [(balance_id(event.customer_id, _amount(event).currency), event)]


def fold(row: BalanceRow | None, event: BalanceEvent, fact: DecodedEvent) -> BalanceRow:
    """Add or take off."""
    known = row or BalanceRow(
        customer_id=event.customer_id, currency=_amount(event).currency, since=fact.occurred_at
    )
    minor = _amount(event).minor
    billed, paid, refunded = known.billed, known.paid, known.refunded
    match event:
        case InvoiceFinalized():
            billed += minor
        case InvoiceVoided():
            billed -= minor
        case PaymentSucceeded():
            paid += minor
        case RefundIssued():
            refunded += minor
    since = min(known.since, fact.occurred_at)
    return msgspec.structs.replace(known, billed=billed, paid=paid, refunded=refunded, since=since)


def _amount(event: BalanceEvent) -> Money:
    match event:
        case InvoiceFinalized() | InvoiceVoided():
            return event.amount_due
        case PaymentSucceeded() | RefundIssued():
            return event.amount


def _source(row_id: str) -> Source:
    return CustomerSource(row_id.rpartition(":")[0])


BALANCES = ReadModel(
    name="balances",
    version=1,
    row=BalanceRow,
    events=(InvoiceFinalized, InvoiceVoided, PaymentSucceeded, RefundIssued),
    targets=parts,
    fold=fold,
    sorted_by=lambda row: row.since,
    filters=("customer_id", "currency"),
    owner="customer_id",
    cached=True,
    source=_source,
)
