"""What ingest does when a meter is defined."""

from dataclasses import dataclass

from services.ingest.metered_types.ports import MeteredTypes
from shared.billing.contracts.metering.meters import MeterDefined
from shared.framework.eventstore.records import EventRecord
from shared.framework.eventstore.unit_of_work import Session


@dataclass(frozen=True, slots=True)
class MeteredTypeReactions:
    """Keeps the types that meters count."""

    types: MeteredTypes

    async def on_meter_defined(self, session: Session, event: MeterDefined, _: EventRecord) -> None:
        """Add the meter's event type."""
        session.add_side_write(self.types.add_write((session.tenant_id, event.event_type)))
