"""What collections add to the payments service."""

from services.payments.collections.capture_timer import CaptureTimer
from services.payments.collections.reactions import on_invoice_finalized, on_invoice_voided
from services.payments.collections.routes import collections_router
from services.payments.collections.timers import timers
from shared.billing.contracts.invoicing.invoices import InvoiceFinalized, InvoiceVoided
from shared.framework.process.feature import Feature


def collections(capturing: CaptureTimer) -> Feature:
    """The feature, with the timer that calls the gateways."""
    return Feature(
        routers=[collections_router()],
        subscribes_to=["invoicing"],
        reactors={InvoiceFinalized: on_invoice_finalized, InvoiceVoided: on_invoice_voided},
        timers=timers(capturing),
    )
