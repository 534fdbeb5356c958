"""The gateways that can be paid through: one file each, one line here."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager

from services.payments.gateways.port import PaymentGateway
from services.payments.gateways.sandbox.gateway import open_sandbox
from services.payments.settings import PaymentsSettings
from shared.framework.core.clock import Clock

GatewayFactory = Callable[[PaymentsSettings, Clock], AbstractAsyncContextManager[PaymentGateway]]

GATEWAYS: Mapping[str, GatewayFactory] = {
    "sandbox": open_sandbox,
}
