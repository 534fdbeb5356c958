"""Every event of every context, raw: what questions about the past and audits are answered from."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from projections.engine.customer_index import CustomerStream
from projections.engine.read_model import CustomerSource, Source, StreamSource
from shared.framework.eventstore.records import EventRecord, SideWrite


@dataclass(frozen=True, slots=True, order=True)
class ArchiveCursor:
    """Where an event stands for readers: by the tenant's clock, then context and position."""

    occurred_at: datetime
    context: str
    position: int


class EventArchive(Protocol):
    """The raw records of every context, by stream and by customer."""

    def add(self, records: Sequence[EventRecord], mentions: Sequence[CustomerStream]) -> SideWrite:
        """A side write of these records and of whom they mention; none may come a second time."""
        ...

    async def of(self, tenant_id: str, source: Source, wire_names: Sequence[str]) -> Sequence[EventRecord]:
        """Records of these wire names, of a stream or of streams that mention a customer, by position."""
        ...

    async def page(
        self, tenant_id: str, source: Source, as_of: datetime | None, after: ArchiveCursor | None, limit: int
    ) -> Sequence[EventRecord]:
        """The same with every wire name, up to a moment, in the order of `Place`."""
        ...


def place_of(record: EventRecord) -> ArchiveCursor:
    """Where a record stands for readers."""
    return ArchiveCursor(record.metadata.occurred_at, record.context, record.position)


def cut_at(records: Sequence[EventRecord], as_of: datetime) -> list[EventRecord]:
    """What had happened by then: each stream is cut at its first fact after the moment, never inside."""
    ended: set[tuple[str, str]] = set()
    kept = []
    for record in sorted(records, key=lambda record: (record.context, record.position)):
        stream = (record.context, record.stream_id)
        if record.metadata.occurred_at > as_of:
            ended.add(stream)
        if stream not in ended:
            kept.append(record)
    return kept


def is_of(source: Source, record: EventRecord, mentioned: Container[CustomerStream]) -> bool:
    """Whether a record belongs to a source, given which streams mention whom."""
    match source:
        case StreamSource(stream_id):
            return record.stream_id == stream_id
        case CustomerSource(customer_id):
            return (
                CustomerStream(record.tenant_id, customer_id, record.context, record.stream_id) in mentioned
            )
