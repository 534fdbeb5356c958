"""What the subject invoices adds to the invoicing service."""

from services.invoicing.invoices.reactions import on_payment_succeeded
from services.invoicing.invoices.routes import invoice_reads, invoices_router
from shared.billing.contracts.payments.payments import PaymentSucceeded
from shared.framework.process.feature import Feature

INVOICES = Feature(
    routers=[invoices_router(), invoice_reads()],
    subscribes_to=["payments"],
    reactors={PaymentSucceeded: on_payment_succeeded},
)
