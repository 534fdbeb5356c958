"""The command that defines a meter, and the query of one meter."""

from services.metering.meters.decider import METER, Defined, DefineMeter, MeterIsUnknown, NoMeter
from services.metering.meters.ports import MeterRepository, RegisteredMeter
from shared.billing.contracts.metering.meters import MeterDefined
from shared.framework.eventstore.unit_of_work import Session


async def define_meter(session: Session, command: DefineMeter, *, meters: MeterRepository) -> MeterDefined:
    """The defined meter; an equal definition again gives the same meter. MeterExists for another."""
    meter_id = command.definition.meter_id
    is_new = bool(await session.handle(METER, meter_id, command))
    match await session.state(METER, meter_id):
        case Defined(meter, _):
            if is_new:
                session.add_side_write(meters.add_write(session.tenant_id, meter))
            return meter
        case NoMeter():
            raise MeterIsUnknown(command.definition.key)


async def registered_meter(meters: MeterRepository, tenant_id: str, key: str) -> RegisteredMeter:
    """The tenant's meter of this key. Raises MeterIsUnknown."""
    registered = (await meters.all()).get((tenant_id, key))
    if registered is None:
        raise MeterIsUnknown(key)
    return registered
