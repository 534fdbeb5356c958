"""Composition root of the subscriptions service: one line per subject."""

from services.subscriptions.contracts.feature import CUSTOMER_CONTRACTS
from services.subscriptions.coupons.feature import COUPONS
from services.subscriptions.customers.feature import CUSTOMERS
from services.subscriptions.entitlements.feature import ENTITLEMENTS
from services.subscriptions.meters.feature import METERS
from services.subscriptions.plans.feature import PLANS
from services.subscriptions.subscriptions.backfill import UsageClaimBackfill
from services.subscriptions.subscriptions.feature import SUBSCRIPTIONS, usage_claim_backfill
from services.subscriptions.test_clocks.feature import clocks
from services.subscriptions.test_clocks.leaps import Leaps
from shared.billing.contracts import CONTEXTS, CONTRACTS
from shared.framework.process.run import run_process
from shared.framework.process.service_definition import ServiceDefinition, ServiceDependencies
from shared.framework.process.settings import ServiceSettings

FEATURES = (
    CUSTOMERS,
    METERS,
    PLANS,
    COUPONS,
    ENTITLEMENTS,
    SUBSCRIPTIONS,
    CUSTOMER_CONTRACTS,
)


async def build(tools: ServiceDependencies[ServiceSettings]) -> ServiceDefinition:
    """The subscriptions service, once the subscriptions of an older release have their claims on usage."""
    backfill = UsageClaimBackfill(tools.store, tools.clock, tools.settings.broker_partitions)
    await backfill.catch_up()
    return ServiceDefinition.of(
        *FEATURES,
        clocks(Leaps.of(tools, CONTEXTS, idle=["ingest"])),
        usage_claim_backfill(backfill, tools.sleeper),
        clock=tools.clock,
    )


if __name__ == "__main__":
    run_process("subscriptions", ServiceSettings, build, CONTRACTS)
