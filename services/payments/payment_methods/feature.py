"""The feature of payment methods: a route and a reaction."""

from services.payments.gateways.port import Gateways
from services.payments.payment_methods.decider import AttachPaymentMethod
from services.payments.payment_methods.reactions import on_customer_registered
from services.payments.payment_methods.routes import payment_method_reads, payment_methods_router
from shared.billing.contracts.subscriptions.customers import CustomerRegistered
from shared.framework.http.command_endpoint import CommandHandler
from shared.framework.process.feature import Feature


def payment_methods(gateways: Gateways, attach: CommandHandler[AttachPaymentMethod, None]) -> Feature:
    """The feature, over the gateways that this process has; `attach` handles the command."""
    return Feature(
        routers=[payment_methods_router(gateways, attach), payment_method_reads()],
        subscribes_to=["subscriptions"],
        reactors={CustomerRegistered: on_customer_registered},
    )
