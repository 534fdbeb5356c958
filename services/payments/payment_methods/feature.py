"""The feature of payment methods: a route and a reaction."""

from services.payments.gateways.port import Gateways
from services.payments.payment_methods.reactions import on_customer_registered
from services.payments.payment_methods.routes import payment_methods_router
from shared.billing.contracts.subscriptions.customers import CustomerRegistered
from shared.framework.process.feature import Feature


def payment_methods(gateways: Gateways) -> Feature:
    """The feature, over the gateways that this process has."""
    return Feature(
        routers=[payment_methods_router(gateways)],
        subscribes_to=["subscriptions"],
        reactors={CustomerRegistered: on_customer_registered},
    )
