"""Commands on plans."""

from dataclasses import replace

from services.subscriptions.meters.decider import METER, meter_registration_id
from services.subscriptions.plans.decider import PLAN, Plan, PublishPlan
from shared.billing.contracts.subscriptions.meters import MeterRegistered
from shared.framework.eventstore.unit_of_work import Session


async def publish_plan(session: Session, command: PublishPlan) -> Plan:
    """Publish a version of a plan, whose meters must be registered, and return the plan."""
    charged = {charge.meter_key for charge in command.charges if charge.meter_key is not None}
    keys = charged | {one.meter_key for one in command.entitlements if one.meter_key is not None}
    registered = {}
    for key in sorted(keys):
        meter = await session.state(METER, meter_registration_id(session.tenant_id, key))
        if isinstance(meter, MeterRegistered):
            registered[key] = meter
    await session.handle(PLAN, command.plan_id, replace(command, registered_meters=registered))
    return await session.state(PLAN, command.plan_id)
