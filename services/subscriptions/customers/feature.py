"""What customers add to the subscriptions service."""

from services.subscriptions.customers.routes import router
from shared.framework.process.feature import Feature

CUSTOMERS = Feature(routers=[router])
