"""What payments reads and answers over REST."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import StringConstraints

from services.payments.gateways.port import Gateways
from services.payments.payment_methods.handlers import attach_method, check_method
from shared.framework.http.authorization import requires
from shared.framework.http.command_endpoint import CommandDep
from shared.framework.http.field_types import ApiModel, Identifier
from shared.framework.http.request_body import DecodedBodyRoute

TOKEN_LENGTH_MAX = 255


class PaymentMethodBody(ApiModel):
    """A customer's payment method: the gateway's token for it, never a card number."""

    customer_id: Identifier
    gateway: Identifier
    token: Annotated[str, StringConstraints(min_length=1, max_length=TOKEN_LENGTH_MAX)]


class PaymentMethodAttachedBody(ApiModel):
    """The customer's new default payment method."""

    method_id: str
    customer_id: str
    gateway: str


def payment_methods_router(gateways: Gateways) -> APIRouter:
    """The routes of payment methods, over the gateways that this process has."""
    router = APIRouter(prefix="/v1", tags=["payments"], route_class=DecodedBodyRoute)

    @router.post(
        "/payment-methods",
        dependencies=[requires("payments:write")],
        status_code=201,
        response_model=PaymentMethodAttachedBody,
    )
    async def attach_payment_method(body: PaymentMethodBody, desk: CommandDep) -> Response:
        """Attach a payment method by its gateway token; it becomes the customer's default."""
        check_method(gateways, body.gateway, body.token)
        return await desk.execute(
            lambda session: attach_method(session, body.customer_id, body.gateway, body.token),
            lambda method_id: PaymentMethodAttachedBody(
                method_id=method_id, customer_id=body.customer_id, gateway=body.gateway
            ),
        )

    return router
