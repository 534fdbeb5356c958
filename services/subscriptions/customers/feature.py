"""What the subject customers adds to the subscriptions service."""

from services.subscriptions.customers.routes import customer_reads, customers_router
from shared.framework.process.feature import Feature

CUSTOMERS = Feature(routers=[customers_router(), customer_reads()])
