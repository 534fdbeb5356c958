"""What the subject coupons adds to the subscriptions service."""

from services.subscriptions.coupons.routes import coupon_reads, coupons_router
from shared.framework.process.feature import Feature

COUPONS = Feature(routers=[coupons_router(), coupon_reads()])
