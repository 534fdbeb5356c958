"""The register of payment gateways: one folder each, with its settings, and one line of GATEWAYS."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager

from services.payments.gateways.port import PaymentGateway
from services.payments.gateways.sandbox.gateway import open_sandbox
from shared.framework.core.clock import Clock

GatewayFactory = Callable[[Clock, float], AbstractAsyncContextManager[PaymentGateway]]
"""`factory(clock, timeout_s)` opens the gateway, with settings of its own and a time limit for its calls."""

GATEWAYS: Mapping[str, GatewayFactory] = {
    "sandbox": open_sandbox,
}
