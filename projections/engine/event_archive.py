"""Port for the read side's copy of all events, which queries of the past and new tables are computed from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol, Self

from projections.engine.read_model import Arrived, Source
from shared.framework.eventstore.records import EventRecord, SideWrite


class CustomerStream(NamedTuple):
    """An entry of the customer index: this stream has an event with this `customer_id`."""

    tenant_id: str
    customer_id: str
    context: str
    stream_id: str


@dataclass(frozen=True, slots=True, order=True)
class ArchiveCursor:
    """The sort key of a record: first by the tenant's clock, then by context and position."""

    occurred_at: datetime
    context: str
    position: int

    @classmethod
    def of(cls, record: EventRecord) -> Self:
        """The sort key of this record."""
        return cls(record.metadata.occurred_at, record.context, record.position)


@dataclass(frozen=True, slots=True)
class ArchiveQuery:
    """The records of a source up to `as_of` (None: all) that have `arrived` then, after `after`."""

    source: Source
    as_of: datetime | None
    arrived: Arrived
    after: ArchiveCursor | None = None
    limit: int = 100


class ArchivePage(NamedTuple):
    """Records, and whether there are more; a page also ends when it has PAGE_BYTES_MAX of state."""

    records: Sequence[EventRecord]
    more: bool


class EventArchive(Protocol):
    """The event records of every context, by stream and by customer."""

    def add_write(self, records: Sequence[EventRecord], index: Sequence[CustomerStream]) -> SideWrite:
        """A side write of new records and new entries of the customer index; it fails for a known record."""

    async def records(
        self, tenant_id: str, source: Source, wire_names: Sequence[str]
    ) -> Sequence[EventRecord]:
        """All records of the source with these wire names, by context and position."""

    async def page(self, tenant_id: str, query: ArchiveQuery) -> ArchivePage:
        """The records of the query in the order of ArchiveCursor: at most `limit`, at least one if any."""
