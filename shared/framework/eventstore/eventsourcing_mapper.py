"""How the `eventsourcing` library reads and writes our events: its Mapper over our wire names and bytes.

A stock application opens our tables with this environment and no code of ours besides:
`PERSISTENCE_MODULE=eventsourcing.postgres`, `ORIGINATOR_ID_TYPE=text`, `CREATE_TABLE=n`,
`MAPPER_TOPIC=shared.framework.eventstore.eventsourcing_mapper:WireMapper`, and `name = ""` on its class
(table `stored_events`).
"""

from dataclasses import dataclass

from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, MapperDeserialisationError, StoredEvent

from shared.framework.core.event import Event
from shared.framework.eventstore.codec import EventIsUnreadable, decode, encode


@dataclass(frozen=True, slots=True)
class MappedEvent:
    """One of our events in the library's terms: a fact at its place in a stream."""

    originator_id: str
    originator_version: int
    fact: Event


class WireMapper(Mapper[str]):
    """Topics are our wire names, states our bytes, upcasts our table of upcasters."""

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        """The row of a MappedEvent. TypeError for anything else."""
        if not isinstance(domain_event, MappedEvent):
            raise TypeError(f"{type(domain_event).__name__} is no StoredFact")
        fact = domain_event.fact
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=fact.wire_name,
            state=encode(fact),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> MappedEvent:
        """The fact of a row. MapperDeserialisationError if it is damaged or its name is not known here."""
        place = f"{stored_event.originator_id} {stored_event.originator_version}"
        try:
            fact = decode(stored_event.topic, stored_event.state)
        except EventIsUnreadable as error:
            raise MapperDeserialisationError(f"{place}: {error}") from error
        if fact is None:
            raise MapperDeserialisationError(f"{place}: unknown {stored_event.topic}")
        return MappedEvent(str(stored_event.originator_id), stored_event.originator_version, fact)
