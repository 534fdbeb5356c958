"""What the subject contracts adds to the subscriptions service."""

from services.subscriptions.contracts.routes import contract_reads, contracts_router
from shared.framework.process.feature import Feature

CUSTOMER_CONTRACTS = Feature(routers=[contracts_router(), contract_reads()])
