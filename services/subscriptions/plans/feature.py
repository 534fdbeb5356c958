"""What plans add to the subscriptions service."""

from services.subscriptions.plans.routes import router
from shared.framework.process.feature import Feature

PLANS = Feature(routers=[router])
