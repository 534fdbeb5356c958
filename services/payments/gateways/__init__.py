"""The register of gateways: one gateway is one folder, with its settings in it, and one line of GATEWAYS."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager

from services.payments.gateways.port import PaymentGateway
from services.payments.gateways.sandbox.gateway import open_sandbox
from shared.framework.core.clock import Clock

OpenGateway = Callable[[Clock, float], AbstractAsyncContextManager[PaymentGateway]]
"""`open(clock, timeout_s)` reads the gateway's own settings; a call is given up after `timeout_s` seconds."""

GATEWAYS: Mapping[str, OpenGateway] = {
    "sandbox": open_sandbox,
}
