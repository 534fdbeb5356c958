"""Composition root of payments."""

from collections.abc import Sequence
from contextlib import AsyncExitStack

from services.payments.collections.capture_timer import Capturing
from services.payments.collections.reactions import on_invoice_finalized, on_invoice_voided
from services.payments.collections.routes import payments_router
from services.payments.collections.timers import on_attempt_due
from services.payments.gateways import GATEWAYS
from services.payments.gateways.port import Gateways
from services.payments.gateways.time_limited import TimeLimited
from services.payments.payment_methods.reactions import on_customer_registered
from services.payments.payments.timers import ATTEMPT, CAPTURE, REFUND
from services.payments.refunds.timers import Refunds
from services.payments.retry_policy import Policy
from services.payments.settings import PaymentsSettings
from shared.billing.contracts.invoicing.invoices import InvoiceFinalized, InvoiceVoided
from shared.billing.contracts.subscriptions.customers import CustomerRegistered
from shared.framework.core.clock import Clock
from shared.framework.eventstore.port import EventStore
from shared.framework.process.feature import Feature
from shared.framework.process.run import run_process
from shared.framework.process.service_definition import Service, Tools
from shared.framework.process.timers import TimerAction


async def build(tools: Tools[PaymentsSettings]) -> Service:
    """Put payments together."""
    stack = AsyncExitStack()
    gateways = await _opened(stack, tools)
    features = features_of(tools.store, tools.clock, gateways, _policy(tools.settings))
    return Service.of(*features, clock=tools.clock, close=stack.aclose)


def features_of(store: EventStore, clock: Clock, gateways: Gateways, policy: Policy) -> Sequence[Feature]:
    """Payment methods, collections and refunds."""
    capturing = Capturing(store, clock, gateways, policy)
    refunds = Refunds(store, gateways, policy)
    payment_methods = Feature(
        subscribes_to=["subscriptions"], reactors={CustomerRegistered: on_customer_registered}
    )
    collections = Feature(
        routers=[payments_router(gateways)],
        subscribes_to=["invoicing"],
        reactors={InvoiceFinalized: on_invoice_finalized, InvoiceVoided: on_invoice_voided},
        timers={
            ATTEMPT: TimerAction(decide=on_attempt_due),
            CAPTURE: TimerAction(decide=capturing.record, before=capturing.ask),
        },
    )
    refunding = Feature(timers={REFUND: TimerAction(decide=refunds.record, before=refunds.ask)})
    return payment_methods, collections, refunding


async def _opened(stack: AsyncExitStack, tools: Tools[PaymentsSettings]) -> Gateways:
    return {
        name: TimeLimited(
            await stack.enter_async_context(opened(tools.settings, tools.clock)),
            tools.settings.gateway_time_limit_s,
        )
        for name, opened in GATEWAYS.items()
    }


def _policy(settings: PaymentsSettings) -> Policy:
    return Policy(dunning=settings.dunning, checks=settings.unknown_checks, refunds=settings.refund_pauses)


if __name__ == "__main__":
    run_process("payments", PaymentsSettings, build)
