"""The command that defines a meter, and the query of one meter."""

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class MeterResumption:
    """Registers meters whose definitions were put back after a restore; they count the past again."""

    meters: MeterRepository

    async def resume(self, session: Session, meter_id: str) -> None:
        """Register the meter of a stream, unless it is registered."""
        known = await self.meters.all()
        for meter in (await session.work.stream(session.tenant_id, meter_id)).events:
            if isinstance(meter, MeterDefined) and (session.tenant_id, meter.key) not in known:
                session.add_side_write(self.meters.add_write(session.tenant_id, meter))
