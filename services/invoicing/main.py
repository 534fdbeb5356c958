"""Composition root of invoicing."""

from services.invoicing.api.routes import router
from services.invoicing.application.reactions import (
    on_billing_period_closed,
    on_customer_registered,
    on_payment_succeeded,
    on_usage_reading_taken,
)
from services.invoicing.settings import InvoicingSettings
from shared.contracts.metering import UsageReadingTaken
from shared.contracts.payments import PaymentSucceeded
from shared.contracts.subscriptions import BillingPeriodClosed, CustomerRegistered
from shared.process.blueprint import Service, Tools
from shared.process.feature import Feature
from shared.process.run import run_process

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
