"""Composition root of the invoicing service: one line per subject."""

from services.invoicing.billing_accounts.feature import BILLING_ACCOUNTS
from services.invoicing.billing_runs.feature import BILLING_RUNS
from services.invoicing.contract_invoices.feature import CONTRACT_INVOICES
from services.invoicing.invoices.feature import INVOICES
from services.invoicing.tax.feature import TAX
from shared.billing.contracts import CONTRACTS
from shared.framework.process.run import run_process
from shared.framework.process.service_definition import ServiceDefinition, ServiceDependencies
from shared.framework.process.settings import ServiceSettings

FEATURES = (
    BILLING_ACCOUNTS,
    TAX,
    INVOICES,
    BILLING_RUNS,
    CONTRACT_INVOICES,
)


async def build(tools: ServiceDependencies[ServiceSettings]) -> ServiceDefinition:
    """The invoicing service."""
    return ServiceDefinition.of(*FEATURES, clock=tools.clock)


if __name__ == "__main__":
    run_process("invoicing", ServiceSettings, build, CONTRACTS)
