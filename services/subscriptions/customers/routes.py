"""What goes in and comes out over HTTP."""

from typing import Annotated, Self

from fastapi import APIRouter, Response
from pydantic import Field

from services.subscriptions.customers.handlers import register_customer
from shared.billing.contracts.subscriptions.customers import CustomerRegistered
from shared.framework.http.authorization import requires
from shared.framework.http.command_endpoint import CommandDep
from shared.framework.http.field_types import ApiModel, CurrencyCode, Identifier
from shared.framework.http.request_body import DecodedBodyRoute

ZoneName = Annotated[str, Field(min_length=1, max_length=64, examples=["America/New_York"])]


class NewCustomer(ApiModel):
    """A customer to register; names and addresses are not accepted here."""

    external_id: Identifier
    currency: CurrencyCode
    time_zone: ZoneName = "UTC"


class CustomerResponse(ApiModel):
    """A registered customer."""

    customer_id: str
    external_id: str
    currency: str
    time_zone: str

    @classmethod
    def of(cls, customer: CustomerRegistered) -> Self:
        """Tell a customer."""
        return cls(
            customer_id=customer.customer_id,
            external_id=customer.external_id,
            currency=customer.currency,
            time_zone=customer.time_zone,
        )


router = APIRouter(prefix="/v1", tags=["customers"], route_class=DecodedBodyRoute)


@router.post(
    "/customers",
    status_code=201,
    response_model=CustomerResponse,
    dependencies=[requires("customers:write")],
)
async def post_customer(body: NewCustomer, desk: CommandDep) -> Response:
    """Register a customer; repeating the same external id returns the same customer."""
    return await desk.execute(
        lambda session: register_customer(
            session, external_id=body.external_id, currency=body.currency, time_zone=body.time_zone
        ),
        CustomerResponse.of,
    )
