"""The mapper of the `eventsourcing` library over our wire names and bytes."""

from dataclasses import dataclass
from typing import ClassVar

from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, MapperDeserialisationError, StoredEvent

from shared.framework.core.event import Event
from shared.framework.eventstore.codec import EventIsUnreadable
from shared.framework.eventstore.contracts import Contracts


@dataclass(frozen=True, slots=True)
class MappedEvent:
    """One of our events in the library's terms: a fact at its place in a stream."""

    originator_id: str
    originator_version: int
    fact: Event


class WireMapper(Mapper[str]):
    """Topics are our wire names, states our bytes, upcasts our upcasters; a subclass names the contracts."""

    contracts: ClassVar[Contracts]

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        """The row of a MappedEvent. TypeError for anything else."""
        if not isinstance(domain_event, MappedEvent):
            raise TypeError(f"{type(domain_event).__name__} is no MappedEvent")
        fact = domain_event.fact
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=fact.wire_name,
            state=self.contracts.encode(fact),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> MappedEvent:
        """The fact of a row. MapperDeserialisationError if it is damaged or its name is not known here."""
        place = f"{stored_event.originator_id} {stored_event.originator_version}"
        try:
            fact = self.contracts.decode(stored_event.topic, stored_event.state)
        except EventIsUnreadable as error:
            raise MapperDeserialisationError(f"{place}: {error}") from error
        if fact is None:
            raise MapperDeserialisationError(f"{place}: unknown {stored_event.topic}")
        return MappedEvent(str(stored_event.originator_id), stored_event.originator_version, fact)
