"""Port of metered types: which event types some meter of their tenant counts."""

from collections.abc import Collection
from typing import Protocol

from shared.framework.eventstore.records import SideWrite

EventType = tuple[str, str]
"""A tenant's id, and the type of events that it sends."""


class MeteredTypes(Protocol):
    """The types of all definitions of meters that were consumed; a meter is never removed."""

    async def unmetered(self, types: Collection[EventType]) -> frozenset[EventType]:
        """Those of the types that no meter counts, as far as is known here."""

    def add_write(self, event_type: EventType) -> SideWrite:
        """The side write that adds a type that a meter counts."""
