"""What goes in and comes out over HTTP."""

from typing import Annotated, Self

from fastapi import APIRouter, Response
from pydantic import Field

from services.subscriptions.plans.handlers import publish_plan
from services.subscriptions.plans.price_schema import PriceBody
from shared.billing.contracts.subscriptions.plans import Charge, PlanPublished
from shared.framework.http.authorization import requires
from shared.framework.http.command_endpoint import CommandDep
from shared.framework.http.field_types import ApiModel, CurrencyCode, Identifier, ShortText
from shared.framework.http.request_body import DecodedBodyRoute

Duration = Annotated[
    str, Field(max_length=32, examples=["P1M"], description="ISO 8601, whole calendar units")
]


class NewCharge(ApiModel):
    """A charge of a plan; `meter_key` names its meter, null for a flat fee."""

    key: Identifier
    name: ShortText
    price: PriceBody
    meter_key: Identifier | None = None

    def charge(self) -> Charge:
        """The charge as the domain knows it."""
        return Charge(key=self.key, name=self.name, price=self.price, meter_key=self.meter_key)


class NewPlan(ApiModel):
    """A plan version to publish."""

    key: Identifier
    name: ShortText
    currency: CurrencyCode
    interval: Duration
    charges: Annotated[list[NewCharge], Field(max_length=100)]


class PlanResponse(ApiModel):
    """A published version of a plan."""

    plan_id: str
    key: str
    version: int

    @classmethod
    def of(cls, plan: PlanPublished) -> Self:
        """Tell a plan version."""
        return cls(plan_id=plan.plan_id, key=plan.key, version=plan.version)


router = APIRouter(prefix="/v1", tags=["plans"], route_class=DecodedBodyRoute)


@router.post("/plans", status_code=201, response_model=PlanResponse, dependencies=[requires("plans:write")])
async def post_plan(body: NewPlan, desk: CommandDep) -> Response:
    """Publish the next version of a plan; repeating the newest version's content returns that version."""
    charges = tuple(new.charge() for new in body.charges)
    return await desk.execute(
        lambda session: publish_plan(
            session,
            key=body.key,
            name=body.name,
            currency=body.currency,
            interval=body.interval,
            charges=charges,
        ),
        PlanResponse.of,
    )
