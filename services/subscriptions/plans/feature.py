"""What the subject plans adds to the subscriptions service."""

from services.subscriptions.plans.routes import plan_reads, plans_router
from shared.framework.process.feature import Feature

PLANS = Feature(routers=[plans_router(), plan_reads()])
