"""What the subject subscriptions adds to the subscriptions service."""

from services.subscriptions.subscriptions.routes import subscriptions_router
from services.subscriptions.subscriptions.timers import TIMERS
from shared.framework.process.feature import Feature

SUBSCRIPTIONS = Feature(routers=[subscriptions_router()], timers=TIMERS)
