"""What payments reads and answers over REST."""

from typing import Literal

from fastapi import APIRouter, Response

from services.payments.collections.handlers import collect_manually
from shared.framework.http.authorization import requires
from shared.framework.http.command_endpoint import CommandDep
from shared.framework.http.field_types import ApiModel, Identifier


class CollectionTriggeredBody(ApiModel):
    """What was set going: a new attempt (`capture`), or a question about the open one (`lookup`)."""

    invoice_id: str
    payment_id: str
    attempt: int | None
    doing: Literal["capture", "lookup"]


router = APIRouter(prefix="/v1", tags=["payments"])


@router.post(
    "/invoices/{invoice_id}/collect",
    dependencies=[requires("payments:write")],
    status_code=202,
    response_model=CollectionTriggeredBody,
)
async def collect_invoice(invoice_id: Identifier, desk: CommandDep) -> Response:
    """Make an attempt now, outside the schedule; one that is in doubt is asked about instead."""
    return await desk.execute(
        lambda session: collect_manually(session, invoice_id),
        lambda asked: CollectionTriggeredBody(
            invoice_id=invoice_id,
            payment_id=asked.payment_id,
            attempt=asked.attempt,
            doing=asked.doing,
        ),
        status=202,
    )
