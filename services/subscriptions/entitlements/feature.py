"""What the subject entitlements adds to the subscriptions service."""

from services.subscriptions.entitlements.routes import entitlement_reads
from shared.framework.process.feature import Feature

ENTITLEMENTS = Feature(routers=[entitlement_reads()])
