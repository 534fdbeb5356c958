"""Port for the freshness of answers: the event up to which each partition is processed, and its time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.framework.eventstore.records import InboxPosition, SideWrite


@dataclass(frozen=True, slots=True)
class PartitionFreshness:
    """The last processed position of one partition, and the newest `occurred_at` of one tenant in it."""

    context: str
    partition: int
    position: int
    occurred_at: datetime | None


@dataclass(frozen=True, slots=True)
class LatestEventTime:
    """The newest `occurred_at` of a tenant in one partition of a context."""

    tenant_id: str
    context: str
    partition: int
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The commits that have added events to the read side of this database: 1 to `last`."""

    database_id: str
    last: int


class FreshnessStore(Protocol):
    """The consumer's inbox positions, its commits, and each tenant's newest event times."""

    def note_write(self, times: Sequence[LatestEventTime]) -> SideWrite:
        """A side write of these times, except over later ones."""

    async def inbox(self) -> Mapping[tuple[str, int], InboxPosition]:
        """The consumer's position in every partition, by (topic, partition)."""

    async def arrivals(self) -> Arrivals:
        """The last commit; rows that are read later include everything that arrived with it."""

    async def latest(self, tenant_id: str) -> Mapping[tuple[str, int], datetime]:
        """The tenant's newest event times, by (context, partition)."""
