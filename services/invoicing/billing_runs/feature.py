"""What the subject billing runs adds to the invoicing service."""

from services.invoicing.billing_runs.reactions import (
    on_billing_period_closed,
    on_charges_due,
    on_usage_reading_taken,
)
from services.invoicing.billing_runs.routes import billing_runs_router
from shared.billing.contracts.metering.readings import UsageReadingTaken
from shared.billing.contracts.subscriptions.subscriptions import BillingPeriodClosed, ChargesDue
from shared.framework.process.feature import Feature

BILLING_RUNS = Feature(
    routers=[billing_runs_router()],
    subscribes_to=["subscriptions", "metering"],
    reactors={
        BillingPeriodClosed: on_billing_period_closed,
        ChargesDue: on_charges_due,
        UsageReadingTaken: on_usage_reading_taken,
    },
)
