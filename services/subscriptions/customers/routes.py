"""Request and response bodies of customers, and their routes."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from services.subscriptions.customers.decider import (
    CUSTOMER,
    CustomerIsUnknown,
    RegisterCustomer,
    customer_id_of,
    registered,
)
from shared.framework.core.ids import has_prefix
from shared.framework.http.authorization import requires
from shared.framework.http.command_endpoint import CommandDep, command_router
from shared.framework.http.field_types import ApiModel, CurrencyCode, Identifier, PrintableId
from shared.framework.http.reads import Cursor, PageSize, ReadDep

ZoneName = Annotated[str, Field(min_length=1, max_length=64, examples=["America/New_York"])]


class NewCustomer(ApiModel):
    """A customer to register; names and addresses are not accepted here."""

    external_id: PrintableId
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


class CustomerList(ApiModel):
    """A page of customers, the first registered first; `next_cursor` is null on the last page."""

    items: list[CustomerResponse]
    next_cursor: str | None


def customer_reads() -> APIRouter:
    """The routes that read customers."""
    router = APIRouter(prefix="/v1", tags=["customers"])

    @router.get("/customers", dependencies=[requires("customers:read")])
    async def list_customers(ctx: ReadDep, size: PageSize = 100, cursor: Cursor = None) -> CustomerList:
        """The tenant's customers in the order of their registration."""
        rows, next_cursor = await ctx.page(CUSTOMER, "cus", cursor, size)
        items = [CustomerResponse.of(registered(customer_id, state)) for customer_id, state in rows]
        return CustomerList(items=items, next_cursor=next_cursor)

    @router.get("/customers/{customer_id}", dependencies=[requires("customers:read", customers=True)])
    async def get_customer(customer_id: Identifier, ctx: ReadDep) -> CustomerResponse:
        """A customer by its id; a customer's own credential reads itself alone."""
        if not has_prefix("cus", customer_id) or not ctx.may_see(customer_id):
            raise CustomerIsUnknown(customer_id)
        return CustomerResponse.of(registered(customer_id, await ctx.state(CUSTOMER, customer_id)))

    return router


def customers_router() -> APIRouter:
    """The routes of commands on customers."""
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
