"""Defining meters."""

from services.metering.meters.decider import METER, Defined, DefineMeter, MeterIsUnknown, NoMeter
from services.metering.meters.ports import MeterRepository
from shared.billing.contracts.metering.meters import MeterDefined
from shared.framework.eventstore.unit_of_work import Session


async def define_meter(session: Session, command: DefineMeter, *, book: MeterRepository) -> MeterDefined:
    """Define a meter; the same definition again is the same meter. MeterExists for another."""
    is_new = bool(await session.handle(METER, command.meter_id, command))
    match await session.state(METER, command.meter_id):
        case Defined(meter):
            if is_new:
                session.add_side_write(book.add(session.tenant_id, meter))
            return meter
        case NoMeter():
            raise MeterIsUnknown(command.key)


async def meter_of(book: MeterRepository, tenant_id: str, key: str) -> MeterDefined:
    """The tenant's meter of this key; MeterIsUnknown."""
    entry = await book.find(tenant_id, key)
    if entry is None:
        raise MeterIsUnknown(key)
    return entry.meter
