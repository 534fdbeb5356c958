"""Defining meters."""

from collections.abc import Mapping

from services.metering.meters.decider import METER, Defined, DefineMeter, MeterIsUnknown, NoMeter
from services.metering.meters.ports import MeterRepository
from shared.billing.contracts.metering.meters import MeterDefined
from shared.framework.core.ids import derived_id
from shared.framework.eventstore.unit_of_work import Session


async def define_meter(
    session: Session,
    book: MeterRepository,
    *,
    key: str,
    event_type: str,
    aggregation: str,
    value_path: str | None,
    group_by: tuple[str, ...],
    filter: Mapping[str, tuple[str, ...]],  # noqa: A002 - it is the word of the API and of the event
) -> MeterDefined:
    """Define a meter; the same definition again is the same meter. MeterExists for another."""
    meter_id = derived_id("mtr", session.tenant_id, key)
    command = DefineMeter(
        meter_id=meter_id,
        key=key,
        event_type=event_type,
        aggregation=aggregation,
        value_path=value_path,
        group_by=group_by,
        filter=filter,
        now=session.now,
    )
    is_new = bool(await session.handle(METER, meter_id, command))
    match await session.state(METER, meter_id):
        case Defined(meter):
            if is_new:
                session.add_side_write(book.add(session.tenant_id, meter))
            return meter
        case NoMeter():
            raise MeterIsUnknown(key)


async def meter_of(book: MeterRepository, tenant_id: str, key: str) -> MeterDefined:
    """The tenant's meter of this key; MeterIsUnknown."""
    entry = await book.find(tenant_id, key)
    if entry is None:
        raise MeterIsUnknown(key)
    return entry.meter
