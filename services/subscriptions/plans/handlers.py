"""Commands on plans."""

from dataclasses import replace

from services.subscriptions.meters.decider import meter_registration_id
from services.subscriptions.plans.decider import PLAN, Plan, PublishPlan
from shared.framework.eventstore.unit_of_work import Session


async def publish_plan(session: Session, command: PublishPlan) -> Plan:
    """Publish a version of a plan, whose meters must be registered, and return the plan."""
    keys = {charge.meter_key for charge in command.charges if charge.meter_key is not None}
    registered = [
        key for key in sorted(keys) if await session.version(meter_registration_id(session.tenant_id, key))
    ]
    await session.handle(PLAN, command.plan_id, replace(command, registered_meters=frozenset(registered)))
    return await session.state(PLAN, command.plan_id)
