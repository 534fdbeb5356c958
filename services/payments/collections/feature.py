"""The feature of collections: routes, reactions and timers."""

from services.payments.collections.handlers import (
    ATTEMPT,
    CAPTURE,
    NEW_METHOD,
    on_invoice_finalized,
    on_invoice_voided,
    resume_collection,
    resume_payment,
    try_new_method,
)
from services.payments.collections.routes import collections_router
from services.payments.collections.timers import CaptureTimer, on_attempt_due
from shared.billing.contracts.invoicing.invoices import InvoiceFinalized, InvoiceVoided
from shared.framework.process.feature import Feature
from shared.framework.timers.timer import TimerHandler


def collections(capture: CaptureTimer) -> Feature:
    """The feature, with the timer handler that calls the gateways."""
    return Feature(
        routers=[collections_router()],
        subscribes_to=["invoicing"],
        reactors={InvoiceFinalized: on_invoice_finalized, InvoiceVoided: on_invoice_voided},
        timers={
            ATTEMPT: TimerHandler(decide=on_attempt_due),
            NEW_METHOD: TimerHandler(decide=try_new_method),
            CAPTURE: TimerHandler(decide=capture.record_outcome, call_remote=capture.call_gateway),
        },
        resume={"col": resume_collection, "pay": resume_payment},
    )
