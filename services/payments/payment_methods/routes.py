"""The HTTP route of payment methods, under /v1."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import StringConstraints

from services.payments.gateways.port import GatewayIsUnknown, Gateways
from services.payments.payment_methods.card_number import holds_card_number
from services.payments.payment_methods.decider import (
    AttachPaymentMethod,
    CardNumberIsRefused,
    method_id_of,
)
from shared.framework.http.command_endpoint import CommandDep, CommandHandler, command_router
from shared.framework.http.field_types import ApiModel, Identifier

TOKEN_LENGTH_MAX = 255


class PaymentMethodBody(ApiModel):
    """A customer's payment method: the gateway's token for it, never a card number."""

    customer_id: Identifier
    gateway: Identifier
    token: Annotated[str, StringConstraints(min_length=1, max_length=TOKEN_LENGTH_MAX)]

    def command(self, *, now: datetime) -> AttachPaymentMethod:
        """The command to attach this method."""
        method_id = method_id_of(self.customer_id, self.gateway, self.token)
        return AttachPaymentMethod(method_id=method_id, now=now, **dict(self))


class PaymentMethodAttachedBody(ApiModel):
    """The customer's new default payment method."""

    method_id: str
    customer_id: str
    gateway: str


def payment_methods_router(
    gateways: Gateways, attach: CommandHandler[AttachPaymentMethod, None]
) -> APIRouter:
    """The routes of payment methods, over the gateways that this process has."""
    router = command_router("payments:write", tags=["payments"])

    @router.post("/payment-methods", status_code=201, response_model=PaymentMethodAttachedBody)
    async def attach_payment_method(body: PaymentMethodBody, ctx: CommandDep) -> Response:
        """Attach a payment method by its gateway token; it becomes the default, and is tried on unpaid invoices."""  # noqa: E501 - OpenAPI text
        _check_token(gateways, body)
        command = body.command(now=ctx.now)
        return await ctx.execute(attach, command, lambda _: PaymentMethodAttachedBody.of(command))

    return router


def _check_token(gateways: Gateways, body: PaymentMethodBody) -> None:
    """Raise CardNumberIsRefused, GatewayIsUnknown or TokenIsNotOfThisGateway, before anything is stored."""
    if holds_card_number(body.token):
        raise CardNumberIsRefused("token")
    if body.gateway not in gateways:
        raise GatewayIsUnknown(body.gateway)
    gateways[body.gateway].check_token(body.token)
