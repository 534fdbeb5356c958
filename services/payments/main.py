"""Composition root of payments."""

from collections.abc import Sequence
from contextlib import AsyncExitStack

from services.payments.api.routes import payments_router
from services.payments.application.capturing import Capturing
from services.payments.application.collecting import on_attempt_due
from services.payments.application.policy import Policy
from services.payments.application.ports import Gateways
from services.payments.application.reactions import (
    on_customer_registered,
    on_invoice_finalized,
    on_invoice_voided,
)
from services.payments.application.refunding import Refunds
from services.payments.application.timers import ATTEMPT, CAPTURE, REFUND
from services.payments.gateways import GATEWAYS
from services.payments.gateways.limited import TimeLimited
from services.payments.settings import PaymentsSettings
from shared.contracts.invoicing import InvoiceFinalized, InvoiceVoided
from shared.contracts.subscriptions import CustomerRegistered
from shared.eventstore.port import EventStore
from shared.kernel.clock import Clock
from shared.process.blueprint import Service, Tools
from shared.process.feature import Feature
from shared.process.run import run_process
from shared.process.timers import TimerAction


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
