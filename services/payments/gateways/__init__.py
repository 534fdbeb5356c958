"""The register of payment gateways: one gateway is one folder, with its settings, and one line of GATEWAYS."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager

from services.payments.gateways.port import PaymentGateway
from services.payments.gateways.sandbox.gateway import open_sandbox
from shared.framework.core.clock import Clock

GatewayFactory = Callable[[Clock, float], AbstractAsyncContextManager[PaymentGateway]]
"""`factory(clock, timeout_s)` opens the gateway with its own settings; a call is abandoned after `timeout_s`."""

GATEWAYS: Mapping[str, GatewayFactory] = {
    "sandbox": open_sandbox,
}
