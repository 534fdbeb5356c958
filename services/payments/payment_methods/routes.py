"""The HTTP routes of payment methods, under /v1."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import StringConstraints

from services.payments.gateways.port import GatewayIsUnknown, Gateways
from services.payments.payment_methods.card_number import holds_card_number
from services.payments.payment_methods.decider import (
    ACCOUNT,
    AttachPaymentMethod,
    CardNumberIsRefused,
    CustomerIsUnknown,
    PaymentAccount,
    PaymentMethodIsUnknown,
    method_id_of,
    payment_account_id,
)
from shared.billing.contracts.payments.payment_methods import PaymentMethodAttached
from shared.framework.http.authorization import requires
from shared.framework.http.command_endpoint import CommandDep, CommandHandler, command_router
from shared.framework.http.field_types import ApiModel, Identifier, Instant
from shared.framework.http.reads import ReadContext, ReadDep

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


class PaymentMethodDetail(PaymentMethodAttachedBody):
    """A payment method of a customer; the default is the one that is charged."""

    attached_at: Instant
    is_default: bool


class PaymentMethodList(ApiModel):
    """The payment methods of a customer, the default last."""

    items: list[PaymentMethodDetail]


def payment_method_reads() -> APIRouter:
    """The routes that read a customer's payment methods; the token of a method is not shown."""
    reads = [requires("payments:read", customers=True)]
    router = APIRouter(prefix="/v1", tags=["payments"], dependencies=reads)

    @router.get("/payment-methods")
    async def list_payment_methods(customer_id: Identifier, ctx: ReadDep) -> PaymentMethodList:
        """A customer's payment methods; a customer's own credential reads its own alone."""
        return PaymentMethodList(items=await _methods_of(customer_id, ctx))

    @router.get("/payment-methods/{method_id}")
    async def get_payment_method(
        method_id: Identifier, customer_id: Identifier, ctx: ReadDep
    ) -> PaymentMethodDetail:
        """A payment method of a customer."""
        for method in await _methods_of(customer_id, ctx):
            if method.method_id == method_id:
                return method
        raise PaymentMethodIsUnknown(method_id)

    return router


async def _methods_of(customer_id: str, ctx: ReadContext) -> list[PaymentMethodDetail]:
    """The customer's methods, each once, in the order in which they were last attached.

    Raises CustomerIsUnknown, also for a customer that the caller may not see.
    """
    account = await ctx.state(ACCOUNT, payment_account_id(customer_id))
    if not isinstance(account, PaymentAccount) or not ctx.may_see(customer_id):
        raise CustomerIsUnknown(customer_id)
    attached: dict[str, PaymentMethodAttached] = {}
    for method in account.methods:
        attached.pop(method.method_id, None)
        attached[method.method_id] = method
    return [
        PaymentMethodDetail(
            **dict(PaymentMethodAttachedBody.of(method)),
            attached_at=method.attached_at,
            is_default=method is account.default,
        )
        for method in attached.values()
    ]


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
