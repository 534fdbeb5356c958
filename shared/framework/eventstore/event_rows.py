"""Appends laid out as rows, so that every store writes the same versions, slots, names and bytes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from shared.framework.core.event import Metadata
from shared.framework.core.ids import slot_of
from shared.framework.eventstore.contracts import Contracts
from shared.framework.eventstore.records import Append
from shared.framework.eventstore.unit_of_work import event_id_of


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event about to be written: all of a record but its position and moment, which the store gives."""

    tenant_id: str
    stream_id: str
    version: int
    wire_name: str
    state: bytes
    slot: int
    event_id: UUID
    metadata: Metadata


def rows_of(appends: Iterable[Append], contracts: Contracts) -> Iterator[EventRow]:
    """Every event of the appends in order; versions follow `expected`, which the store must still check.

    Raises EventIsNotRegistered.
    """
    for append in appends:
        slot = slot_of(append.slot_key or append.stream_id)
        for version, event in enumerate(append.events, start=append.expected + 1):
            yield EventRow(
                tenant_id=append.tenant_id,
                stream_id=append.stream_id,
                version=version,
                wire_name=event.wire_name,
                state=contracts.encode(event),
                slot=slot,
                event_id=event_id_of(append.stream_id, version),
                metadata=append.metadata,
            )
