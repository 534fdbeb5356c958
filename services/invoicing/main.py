"""Composition root of invoicing."""

from services.invoicing.billing_accounts.reactions import on_customer_registered
from services.invoicing.billing_runs.reactions import on_billing_period_closed, on_usage_reading_taken
from services.invoicing.invoices.reactions import on_payment_succeeded
from services.invoicing.invoices.routes import router
from services.invoicing.settings import InvoicingSettings
from shared.billing.contracts.metering.readings import UsageReadingTaken
from shared.billing.contracts.payments.payments import PaymentSucceeded
from shared.billing.contracts.subscriptions.customers import CustomerRegistered
from shared.billing.contracts.subscriptions.subscriptions import BillingPeriodClosed
from shared.framework.process.feature import Feature
from shared.framework.process.run import run_process
from shared.framework.process.service_definition import Service, Tools

BILLING_ACCOUNTS = Feature(
    subscribes_to=["subscriptions"], reactors={CustomerRegistered: on_customer_registered}
)
BILLING_RUNS = Feature(
    subscribes_to=["subscriptions", "metering"],
    reactors={
        BillingPeriodClosed: on_billing_period_closed,
        UsageReadingTaken: on_usage_reading_taken,
    },
)
INVOICES = Feature(
    routers=[router], subscribes_to=["payments"], reactors={PaymentSucceeded: on_payment_succeeded}
)
FEATURES = (BILLING_ACCOUNTS, BILLING_RUNS, INVOICES)


async def build(tools: Tools[InvoicingSettings]) -> Service:
    """Put invoicing together."""
    return Service.of(*FEATURES, clock=tools.clock)


if __name__ == "__main__":
    run_process("invoicing", InvoicingSettings, build)
