"""The HTTP route of collections, under /v1."""

from typing import Literal

from fastapi import APIRouter, Response

from services.payments.collections.handlers import collect_manually
from shared.framework.http.command_endpoint import CommandDep, command_router
from shared.framework.http.field_types import ApiModel, Identifier


class CollectionTriggeredBody(ApiModel):
    """The action that was started: a new attempt (`capture`) or a look-up of the open one (`lookup`)."""

    invoice_id: str
    payment_id: str
    attempt: int | None
    action: Literal["capture", "lookup"]


def collections_router() -> APIRouter:
    """The routes of collections."""
    router = command_router("payments:write", tags=["payments"])

    @router.post("/invoices/{invoice_id}/collect", status_code=202, response_model=CollectionTriggeredBody)
    async def collect_invoice(invoice_id: Identifier, ctx: CommandDep) -> Response:
        """Attempt collection now, outside the schedule; an attempt with unknown outcome is looked up instead."""  # noqa: E501 - OpenAPI text
        return await ctx.execute(collect_manually, invoice_id, CollectionTriggeredBody.of)

    return router
