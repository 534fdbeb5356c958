"""What payments reads and answers over REST."""

from typing import Literal

from fastapi import APIRouter, Response

from services.payments.collections.handlers import collect_now
from services.payments.gateways.port import Gateways
from services.payments.payment_methods.handlers import attach_method, check_method
from services.payments.payment_methods.routes import AttachedBody, PaymentMethodBody
from shared.framework.http.authorization import requires
from shared.framework.http.command_endpoint import TheDesk
from shared.framework.http.field_types import Body, Identifier


class CollectingBody(Body):
    """What was set going: a new attempt (`capture`), or a question about the open one (`lookup`)."""

    invoice_id: str
    payment_id: str
    attempt: int | None
    doing: Literal["capture", "lookup"]


def payments_router(gateways: Gateways) -> APIRouter:
    """The routes, over the gateways that this process has."""
    router = APIRouter(prefix="/v1", tags=["payments"])

    @router.post(
        "/payment-methods",
        dependencies=[requires("payments:write")],
        status_code=201,
        response_model=AttachedBody,
    )
    async def attach_payment_method(body: PaymentMethodBody, desk: TheDesk) -> Response:
        """Keep a gateway's token; it becomes the method that the customer's next attempt is made with."""
        check_method(gateways, body.gateway, body.token)
        return await desk.run(
            lambda session: attach_method(session, body.customer_id, body.gateway, body.token),
            lambda method_id: AttachedBody(
                method_id=method_id, customer_id=body.customer_id, gateway=body.gateway
            ),
        )

    @router.post(
        "/invoices/{invoice_id}/collect",
        dependencies=[requires("payments:write")],
        status_code=202,
        response_model=CollectingBody,
    )
    async def collect_invoice(invoice_id: Identifier, desk: TheDesk) -> Response:
        """Make an attempt now, outside the schedule; one that is in doubt is asked about instead."""
        return await desk.run(
            lambda session: collect_now(session, invoice_id),
            lambda asked: CollectingBody(
                invoice_id=invoice_id,
                payment_id=asked.payment_id,
                attempt=asked.attempt,
                doing=asked.doing,
            ),
            status=202,
        )

    return router
