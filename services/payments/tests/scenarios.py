"""The invoices, instants and policy that the tests of payments use."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from services.payments.collections.decider import collection_id_of
from services.payments.payments.decider import payment_id_of
from services.payments.retry_policy import RetryPolicy
from shared.billing.contracts.invoicing.invoices import InvoiceFinalized, InvoiceLine, InvoiceVoided
from shared.billing.contracts.subscriptions.customers import CustomerRegistered
from shared.billing.money import Money

NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
FIVE_MINUTES = timedelta(minutes=5)

POLICY = RetryPolicy(
    dunning=(3 * DAY, 5 * DAY, 7 * DAY),
    lookup_pauses=(FIVE_MINUTES, HOUR, *[DAY] * 5),
    refund_pauses=(FIVE_MINUTES, HOUR, DAY),
)

DUE = Money(5542, "USD")
INVOICE = "inv_1"
COLLECTION = collection_id_of(INVOICE)

REGISTERED = CustomerRegistered(
    customer_id="cus_1", external_id="acme-1", currency="USD", time_zone="UTC", registered_at=NOON
)


def payment(attempt: int, invoice_id: str = INVOICE) -> str:
    """The id of an attempt's payment."""
    return payment_id_of(invoice_id, attempt)


def finalized(minor: int = DUE.minor, invoice_id: str = INVOICE) -> InvoiceFinalized:
    """An invoice with this amount due."""
    amount = Money(minor, "USD")
    gateway = InvoiceLine(
        line_id="lin_1", charge_key=None, description="Work", quantity=Decimal(1), amount=amount
    )
    return InvoiceFinalized(
        invoice_id=invoice_id,
        customer_id="cus_1",
        subscription_id=None,
        number="INV-000001",
        lines=(gateway,),
        taxes=(),
        subtotal=amount,
        tax=Money(0, "USD"),
        total=amount,
        amount_due=amount,
        finalized_at=NOON,
    )


def voided(invoice_id: str = INVOICE) -> InvoiceVoided:
    """The event that voids the invoice."""
    return InvoiceVoided(
        invoice_id=invoice_id, customer_id="cus_1", amount_due=DUE, reason="wrong plan", voided_at=NOON
    )
