"""Port of unreadable usage: its list, and what of it is not published yet. Rollups write it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.metering.rollups.unreadable_usage import UnreadableEvent
from shared.framework.eventstore.records import SideWrite

EventIndex = tuple[int, int]
"""An event of ingest's history: the position of its batch, and its index in the batch."""


@dataclass(frozen=True, slots=True)
class UnpublishedCount:
    """A meter with more unreadable events than were published: their number, and the newest of them."""

    tenant_id: str
    meter_key: str
    count: int
    newest: UnreadableEvent


class UnreadableUsage(Protocol):
    """The unreadable events of all meters."""

    async def page(self, meter_id: str, after: EventIndex, limit: int) -> Sequence[UnreadableEvent]:
        """A meter's unreadable events after that one, in the order in which they were accepted."""

    async def to_publish(self, limit: int) -> Sequence[UnpublishedCount]:
        """Active meters whose count has changed since it was published, if their pause is over.

        A meter is published of twice a second at most, and ever more seldom: after 120 times once a minute.
        """

    async def published_write(self, counts: Sequence[UnpublishedCount]) -> SideWrite:
        """The side write that stores these counts as published."""

    async def unpublished_count(self) -> int:
        """The number of meters whose count has changed since it was published."""
