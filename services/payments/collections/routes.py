"""What payments reads and answers over REST."""

from typing import Literal

from fastapi import APIRouter, Response

from services.payments.collections.handlers import collect_manually
from shared.framework.http.authorization import requires
from shared.framework.http.command_endpoint import CommandDep
from shared.framework.http.field_types import ApiModel, Identifier
from shared.framework.http.request_body import DecodedBodyRoute


class CollectionTriggeredBody(ApiModel):
    """The action that was started: a new attempt (`capture`) or a look-up of the open one (`lookup`)."""

    invoice_id: str
    payment_id: str
    attempt: int | None
    action: Literal["capture", "lookup"]


router = APIRouter(prefix="/v1", tags=["payments"], route_class=DecodedBodyRoute)


@router.post(
    "/invoices/{invoice_id}/collect",
    dependencies=[requires("payments:write")],
    status_code=202,
    response_model=CollectionTriggeredBody,
)
async def collect_invoice(invoice_id: Identifier, desk: CommandDep) -> Response:
    """Attempt collection now, outside the schedule; an attempt with unknown outcome is looked up instead."""
    return await desk.execute(
        lambda session: collect_manually(session, invoice_id),
        lambda asked: CollectionTriggeredBody(
            invoice_id=invoice_id,
            payment_id=asked.payment_id,
            attempt=asked.attempt,
            action=asked.doing,
        ),
        status=202,
    )
