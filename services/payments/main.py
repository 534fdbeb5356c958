"""The composition root of payments: one line per subject."""

from collections.abc import Sequence
from contextlib import AsyncExitStack

from services.payments.collections.feature import collections
from services.payments.collections.handlers import MethodAttachment
from services.payments.collections.query import unknown_payments_measurement
from services.payments.collections.timers import CaptureTimer
from services.payments.gateways import GATEWAYS
from services.payments.gateways.port import Gateways
from services.payments.gateways.time_limited import TimeLimitedGateway
from services.payments.payment_methods.feature import payment_methods
from services.payments.refunds.feature import refunds
from services.payments.refunds.timers import RefundTimer
from services.payments.retry_policy import RetryPolicy
from services.payments.settings import PaymentsSettings
from shared.billing.contracts import CONTRACTS
from shared.framework.core.clock import Clock
from shared.framework.eventstore.ports import EventStore
from shared.framework.process.feature import Feature
from shared.framework.process.run import run_process
from shared.framework.process.service_definition import ServiceDefinition, ServiceDependencies


async def build(tools: ServiceDependencies[PaymentsSettings]) -> ServiceDefinition:
    """The payments service."""
    stack = AsyncExitStack()
    gateways = await _opened(stack, tools)
    features = features_of(tools.store, tools.clock, gateways, _policy(tools.settings))
    measured = Feature(measurements=[unknown_payments_measurement(tools.pool, tools.clock)])
    return ServiceDefinition.of(*features, measured, clock=tools.clock, close=stack.aclose)


def features_of(
    store: EventStore, clock: Clock, gateways: Gateways, policy: RetryPolicy
) -> Sequence[Feature]:
    """The features of payments, one for each subject."""
    return (
        payment_methods(gateways, MethodAttachment(policy).attach),
        collections(CaptureTimer(store, clock, gateways, policy)),
        refunds(RefundTimer(store, gateways, policy)),
    )


async def _opened(stack: AsyncExitStack, tools: ServiceDependencies[PaymentsSettings]) -> Gateways:
    timeout_s = tools.settings.gateway_timeout_s
    return {
        name: TimeLimitedGateway(await stack.enter_async_context(opener(tools.clock, timeout_s)), timeout_s)
        for name, opener in GATEWAYS.items()
    }


def _policy(settings: PaymentsSettings) -> RetryPolicy:
    return RetryPolicy(
        dunning=settings.dunning_schedule,
        lookup_pauses=settings.payment_lookup_pauses,
        refund_pauses=settings.refund_retry_pauses,
        tries_new_methods=settings.collect_with_new_method,
    )


if __name__ == "__main__":
    run_process("payments", PaymentsSettings, build, CONTRACTS)
