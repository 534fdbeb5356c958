"""As of which facts an answer is: read before the rows, so the answer is at least as fresh as it says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.billing.contracts import TOPICS
from shared.framework.core.ids import partition_of
from shared.framework.eventstore.records import EventRecord, InboxPosition, SideWrite

_CONTEXTS = {topic: context for context, topic in TOPICS.items()}


@dataclass(frozen=True, slots=True)
class PartitionFreshness:
    """One partition, heard up to `position`; `occurred_at` is the newest moment of the asking tenant."""

    context: str
    partition: int
    position: int
    occurred_at: datetime | None


@dataclass(frozen=True, slots=True)
class LatestEventTime:
    """The newest moment of a tenant in one partition of a context."""

    tenant_id: str
    context: str
    partition: int
    occurred_at: datetime


class FreshnessStore(Protocol):
    """Keeps each tenant's newest moments beside the inbox."""

    def note(self, moments: Sequence[LatestEventTime]) -> SideWrite:
        """A side write: a moment never goes back."""
        ...

    async def of(self, tenant_id: str) -> Sequence[PartitionFreshness]:
        """How far every partition has been heard, with this tenant's newest moments."""
        ...


def latest_event_times(records: Sequence[EventRecord], partitions: int) -> list[LatestEventTime]:
    """The newest moment per tenant, context and partition, in a stable order."""
    newest: dict[tuple[str, str, int], datetime] = {}
    for record in records:
        key = (record.tenant_id, record.context, partition_of(record.slot, partitions))
        newest[key] = max(record.metadata.occurred_at, newest.get(key, record.metadata.occurred_at))
    return [LatestEventTime(*key, occurred_at) for key, occurred_at in sorted(newest.items())]


def partition_freshness(
    marks: Sequence[InboxPosition], moments: dict[tuple[str, int], datetime]
) -> list[PartitionFreshness]:
    """Marks of the inbox, told as positions of contexts."""
    found = [
        PartitionFreshness(context, mark.partition, mark.position, moments.get((context, mark.partition)))
        for mark in marks
        if (context := _CONTEXTS.get(mark.topic)) is not None
    ]
    return sorted(found, key=lambda fresh: (fresh.context, fresh.partition))
