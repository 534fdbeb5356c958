"""What the meters of plans do when an event of metering is consumed."""

from services.subscriptions.meters.decider import METER, RegisterMeter, meter_registration_id
from shared.billing.contracts.metering.meters import MeterDefined
from shared.framework.eventstore.records import EventRecord
from shared.framework.eventstore.unit_of_work import Session


async def on_meter_defined(session: Session, event: MeterDefined, _: EventRecord) -> None:
    """Register the meter, so that plans may name it."""
    command = RegisterMeter(definition=event, now=session.now)
    await session.handle(METER, meter_registration_id(session.tenant_id, event.key), command)
