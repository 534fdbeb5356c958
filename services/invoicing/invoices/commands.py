"""Commands on invoices; `now` is an instant on the tenant's clock."""

from dataclasses import dataclass
from datetime import datetime

from services.invoicing.rating.rating import OneOffLine
from services.invoicing.tax.decider import TaxRate
from shared.billing.contracts.invoicing.invoices import InvoiceDiscount, InvoiceLine
from shared.billing.money import Money
from shared.billing.period import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftInvoice:
    """Draft an invoice; `subscription_id` and `period` are None for a one-off."""

    invoice_id: str
    customer_id: str
    currency: str
    subscription_id: str | None = None
    period: Period | None = None
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftOneOff:
    """Draft an invoice outside any billing period, in the customer's currency, with one line per item."""

    invoice_id: str
    customer_id: str
    items: tuple[OneOffLine, ...]
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RateInvoice:
    """Replace the lines and the discounts of a draft."""

    invoice_id: str
    lines: tuple[InvoiceLine, ...]
    discounts: tuple[InvoiceDiscount, ...] = ()
    reading_id: str | None = None
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalizeDraft:
    """Finalize a draft with the next number and the tax rate in force at `now`."""

    invoice_id: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalizeInvoice:
    """Finalize a draft with this number and tax rate (None: no tax), and the customer's credit."""

    invoice_id: str
    number: str
    tax_rate: TaxRate | None
    credit_available: int = 0
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPayment:
    """Record that a payment of the whole amount due succeeded."""

    invoice_id: str
    payment_id: str
    amount: Money
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidInvoice:
    """Void an invoice: declare it not owed."""

    invoice_id: str
    reason: str
    now: datetime
