"""What invoicing can be asked to do; `now` is the moment on the tenant's clock."""

from dataclasses import dataclass
from datetime import datetime

from services.invoicing.rating.rating import OneOffLine
from services.invoicing.tax.decider import TaxRate
from shared.billing.contracts.invoicing.invoices import InvoiceLine
from shared.billing.money import Money
from shared.billing.period import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftInvoice:
    """Begin an invoice; `subscription_id` and `period` are absent on a one-off."""

    invoice_id: str
    customer_id: str
    currency: str
    subscription_id: str | None = None
    period: Period | None = None
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftOneOff:
    """Draft an invoice that no period asked for, in the customer's currency."""

    invoice_id: str
    customer_id: str
    items: tuple[OneOffLine, ...]
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RateInvoice:
    """Give a draft its lines, in place of any that it had."""

    invoice_id: str
    lines: tuple[InvoiceLine, ...]
    reading_id: str | None = None
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalizeInvoice:
    """Turn a draft into the legal document of this number."""

    invoice_id: str
    number: str
    tax_rate: TaxRate | None
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPayment:
    """The money has come in."""

    invoice_id: str
    payment_id: str
    amount: Money
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidInvoice:
    """Take an invoice back: it is not owed."""

    invoice_id: str
    reason: str
    now: datetime
