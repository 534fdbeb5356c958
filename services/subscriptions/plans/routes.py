"""Request and response bodies of plans, and their routes."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from services.subscriptions.plans.decider import PLAN, PublishPlan, plan_id_of
from services.subscriptions.plans.handlers import publish_plan
from services.subscriptions.plans.schemas import Duration, NewCharge
from shared.billing.contracts.subscriptions.plans import AtTrialEnd
from shared.billing.entitlements import Entitlement
from shared.billing.proration import Proration
from shared.framework.http.authorization import requires
from shared.framework.http.command_endpoint import CommandDep, command_router
from shared.framework.http.field_types import (
    ApiModel,
    CurrencyCode,
    Identifier,
    Instant,
    NonNegativeDecimal,
    ShortText,
)
from shared.framework.http.reads import Cursor, PageSize, ReadDep

VersionNumber = Annotated[int | None, Query(ge=1, le=1_000_000)]


class EntitlementBody(ApiModel):
    """What subscriptions to a plan may use: switched on (boolean), up to `limit`, or metered by a meter.

    `limit` of a metered one: the usage that is allowed each billing period, null for any.
    """

    key: Identifier
    kind: Literal["boolean", "limit", "metered"]
    limit: NonNegativeDecimal | None = None
    meter_key: Identifier | None = None


class NewPlan(ApiModel):
    """A plan version to publish; `shares_usage`: it may bill usage that other subscriptions bill too.

    `proration`: how a part of a period is billed. `trial`: a new subscription is free for that time;
    `at_trial_end`: it is then billed, cancelled or paused.
    """

    key: Identifier
    name: ShortText
    currency: CurrencyCode
    interval: Duration
    charges: Annotated[list[NewCharge], Field(max_length=100)]
    shares_usage: bool = False
    proration: Proration = "day"
    trial: Duration | None = None
    at_trial_end: AtTrialEnd = "bill"
    entitlements: Annotated[list[EntitlementBody], Field(max_length=100, default_factory=list)]

    def command(self, *, now: datetime, plan_id: str) -> PublishPlan:
        """The command of this request."""
        charges = tuple(charge.charge() for charge in self.charges)
        entitlements = tuple(Entitlement(**dict(one)) for one in self.entitlements)
        parts = {"charges": charges, "entitlements": entitlements}
        return PublishPlan(plan_id=plan_id, now=now, **dict(self) | parts)


class PlanResponse(ApiModel):
    """A published version of a plan."""

    plan_id: str
    key: str
    version: int


class PlanDetail(PlanResponse):
    """A published version of a plan with its content, which can be posted as it is read."""

    name: str
    currency: str
    interval: str
    charges: list[NewCharge]
    shares_usage: bool
    proration: Proration
    trial: str | None
    at_trial_end: AtTrialEnd
    entitlements: list[EntitlementBody]
    published_at: Instant


class PlanList(ApiModel):
    """A page of plans in their newest versions, the first published first; `next_cursor`: null at the end."""

    items: list[PlanDetail]
    next_cursor: str | None


def plan_reads() -> APIRouter:
    """The routes that read plans."""
    router = APIRouter(prefix="/v1", tags=["plans"], dependencies=[requires("plans:read")])

    @router.get("/plans")
    async def list_plans(ctx: ReadDep, size: PageSize = 100, cursor: Cursor = None) -> PlanList:
        """The tenant's plans in the order in which their keys were first published."""
        rows, next_cursor = await ctx.page(PLAN, "plan", cursor, size)
        items = [PlanDetail.of(plan.versions[-1]) for _, plan in rows]
        return PlanList(items=items, next_cursor=next_cursor)

    @router.get("/plans/{key}")
    async def get_plan(key: Identifier, ctx: ReadDep, version: VersionNumber = None) -> PlanDetail:
        """A version of a plan by the plan's key; without `version` the newest."""
        plan = await ctx.state(PLAN, plan_id_of(ctx.tenant_id, key))
        return PlanDetail.of(plan.version(version))

    return router


def plans_router() -> APIRouter:
    """The routes of commands on plans."""
    router = command_router("plans:write", tags=["plans"])

    @router.post("/plans", status_code=201, response_model=PlanResponse)
    async def post_plan(body: NewPlan, ctx: CommandDep) -> Response:
        """Publish the next version of a plan; repeating the newest version's content returns that version.

        The meters that its charges name must be defined, else 422 `meter-unknown`.
        """
        plan_id = plan_id_of(ctx.tenant_id, body.key)
        command = body.command(now=ctx.now, plan_id=plan_id)
        return await ctx.execute(publish_plan, command, lambda plan: PlanResponse.of(plan.version(None)))

    return router
