"""Events of invoices, and the lines and taxes that they carry."""

from datetime import datetime
from decimal import Decimal

import msgspec

from shared.billing.money import Money, total
from shared.billing.period import Period
from shared.billing.pricing import RatingStep
from shared.framework.core.event import Event


class LineDiscount(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a discount that reduces one line."""

    discount_id: str
    amount: Money


class InvoiceDiscount(msgspec.Struct, frozen=True, kw_only=True):
    """What a discount takes off an invoice: the sum of its parts on the lines; `percent` is None if fixed."""

    discount_id: str
    name: str
    amount: Money
    percent: Decimal | None = None


class InvoiceLine(msgspec.Struct, frozen=True, kw_only=True):
    """One charge on an invoice; `amount` is rounded once, from the exact sum of its steps.

    It is the amount before the `discounts`, which together are at most as much. `item_id` is that of the
    subscription's billing item, if it is one's line; what is given back of an item has a negative amount.
    `sentence` is the price of the charge in plain words.
    """

    line_id: str
    charge_key: str | None
    description: str
    quantity: Decimal
    amount: Money
    steps: tuple[RatingStep, ...] = ()
    period: Period | None = None
    meter_key: str | None = None
    discounts: tuple[LineDiscount, ...] = ()
    item_id: str | None = None
    sentence: str | None = None


class TaxAmount(msgspec.Struct, frozen=True, kw_only=True):
    """A tax on the invoice: exact base x rate, rounded once per rate at the invoice (billing rule 8)."""

    name: str
    rate: Decimal
    base: Money
    amount: Money


class InvoiceDrafted(Event, frozen=True, kw_only=True):
    """An invoice without a number was created; `subscription_id` and `period` are None on a one-off."""

    wire_name = "invoicing.invoice.drafted.v1"

    invoice_id: str
    customer_id: str
    currency: str
    subscription_id: str | None
    period: Period | None
    drafted_at: datetime


class InvoiceLinesRated(Event, frozen=True, kw_only=True):
    """A draft got its lines and discounts; they replace those that it had."""

    wire_name = "invoicing.invoice.lines-rated.v1"

    invoice_id: str
    lines: tuple[InvoiceLine, ...]
    reading_id: str | None
    rated_at: datetime
    discounts: tuple[InvoiceDiscount, ...] = ()


class InvoiceFinalized(Event, frozen=True, kw_only=True):
    """A draft became a legal document: from now on only a credit note corrects it.

    subtotal - discounts + tax = total, and tax is on what is left after the discounts (billing rule 6);
    `amount_due` is what is to be collected, never negative: what `credit_applied`, the customer's credit,
    leaves of the total. A total below zero becomes credit (billing rule 12).
    """

    wire_name = "invoicing.invoice.finalized.v1"

    invoice_id: str
    customer_id: str
    subscription_id: str | None
    number: str
    lines: tuple[InvoiceLine, ...]
    taxes: tuple[TaxAmount, ...]
    subtotal: Money
    tax: Money
    total: Money
    amount_due: Money
    finalized_at: datetime
    discounts: tuple[InvoiceDiscount, ...] = ()
    credit_applied: Money | None = None

    @property
    def discount(self) -> Money:
        """The sum of the discounts."""
        return total((one.amount for one in self.discounts), self.subtotal.currency)


class InvoicePaid(Event, frozen=True, kw_only=True):
    """Nothing is owed on the invoice any more; `payment_id` is None when nothing was due."""

    wire_name = "invoicing.invoice.paid.v1"

    invoice_id: str
    customer_id: str
    payment_id: str | None
    amount: Money
    paid_at: datetime


class InvoiceVoided(Event, frozen=True, kw_only=True):
    """The invoice is declared not owed; a finalized invoice keeps its number (billing rule 13).

    `amount_due` is what was to be collected on it until now: zero for a draft.
    """

    wire_name = "invoicing.invoice.voided.v1"

    invoice_id: str
    customer_id: str
    amount_due: Money
    reason: str
    voided_at: datetime
