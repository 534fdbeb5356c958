"""Customers and plans: whom, and by what."""

from services.subscriptions.plans.decider import PLAN, plan_id_of
from shared.billing.contracts.subscriptions.plans import PlanPublished
from shared.framework.eventstore.unit_of_work import Session


async def get_plan(session: Session, key: str, version: int | None = None) -> PlanPublished:
    """A version of a plan, the newest for None; PlanIsUnknown."""
    plan = await session.state(PLAN, plan_id_of(session.tenant_id, key))
    return plan.version(version)
