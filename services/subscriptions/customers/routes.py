"""Request and response bodies of customers, and their routes."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from services.subscriptions.customers.decider import CUSTOMER, RegisterCustomer, customer_id_of, registered
from shared.framework.http.command_endpoint import CommandDep, command_router
from shared.framework.http.field_types import ApiModel, CurrencyCode, Identifier

ZoneName = Annotated[str, Field(min_length=1, max_length=64, examples=["America/New_York"])]


class NewCustomer(ApiModel):
    """A customer to register; names and addresses are not accepted here."""

    external_id: Identifier
    currency: CurrencyCode
    time_zone: ZoneName = "UTC"

    def command(self, *, now: datetime, customer_id: str) -> RegisterCustomer:
        """The command of this request."""
        return RegisterCustomer(customer_id=customer_id, now=now, **dict(self))


class CustomerResponse(ApiModel):
    """A registered customer."""

    customer_id: str
    external_id: str
    currency: str
    time_zone: str


def customers_router() -> APIRouter:
    """The routes of customers."""
    router = command_router("customers:write", tags=["customers"])

    @router.post("/customers", status_code=201, response_model=CustomerResponse)
    async def post_customer(body: NewCustomer, ctx: CommandDep) -> Response:
        """Register a customer; repeating the same external id returns the same customer."""
        customer_id = customer_id_of(ctx.tenant_id, body.external_id)
        return await ctx.handle(
            CUSTOMER,
            customer_id,
            body.command(now=ctx.now, customer_id=customer_id),
            lambda state: CustomerResponse.of(registered(customer_id, state)),
        )

    return router
