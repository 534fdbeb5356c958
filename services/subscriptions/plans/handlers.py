"""Customers and plans: whom, and by what."""

from services.subscriptions.plans.decider import PLAN, PublishPlan
from shared.billing.contracts.subscriptions.plans import Charge, PlanPublished
from shared.framework.core.ids import derived_id
from shared.framework.eventstore.unit_of_work import Session


async def publish_plan(
    session: Session, *, key: str, name: str, currency: str, interval: str, charges: tuple[Charge, ...]
) -> PlanPublished:
    """Publish the next version of a plan; the newest version if that is what was offered."""
    plan_id = plan_id_of(session, key)
    command = PublishPlan(
        plan_id=plan_id,
        key=key,
        name=name,
        currency=currency,
        interval=interval,
        charges=charges,
        now=session.now,
    )
    await session.handle(PLAN, plan_id, command)
    return await get_plan(session, key)


async def get_plan(session: Session, key: str, version: int | None = None) -> PlanPublished:
    """A version of a plan, the newest for None; PlanIsUnknown."""
    plan = await session.state(PLAN, plan_id_of(session, key))
    return plan.version(version)


def plan_id_of(session: Session, key: str) -> str:
    """One key names one plan of a tenant."""
    return derived_id("plan", session.tenant_id, key)
