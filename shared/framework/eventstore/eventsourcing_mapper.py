"""The mapper with which the `eventsourcing` library reads and writes our events."""

from dataclasses import dataclass
from typing import ClassVar

from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, MapperDeserialisationError, StoredEvent

from shared.framework.core.event import Event
from shared.framework.eventstore.contracts import Contracts, EventIsUnreadable


@dataclass(frozen=True, slots=True)
class MappedEvent:
    """An event with its stream id and version, as the library needs it."""

    originator_id: str
    originator_version: int
    event: Event


class WireMapper(Mapper[str]):
    """Maps wire names to the library's topics and our bytes to its states; a subclass sets `contracts`."""

    contracts: ClassVar[Contracts]

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        """The StoredEvent of a MappedEvent. Raises TypeError for anything else."""
        if not isinstance(domain_event, MappedEvent):
            raise TypeError(f"{type(domain_event).__name__} is no MappedEvent")
        event = domain_event.event
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=event.wire_name,
            state=self.contracts.encode(event),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> MappedEvent:
        """The MappedEvent of a StoredEvent. Raises MapperDeserialisationError if damaged or unknown."""
        place = f"{stored_event.originator_id} {stored_event.originator_version}"
        try:
            event = self.contracts.decode(stored_event.topic, stored_event.state)
        except EventIsUnreadable as error:
            raise MapperDeserialisationError(f"{place}: {error}") from error
        if event is None:
            raise MapperDeserialisationError(f"{place}: unknown {stored_event.topic}")
        return MappedEvent(str(stored_event.originator_id), stored_event.originator_version, event)
