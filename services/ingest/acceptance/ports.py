"""Port of acceptance: the keys of accepted events, and the list of rejected ones."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.ingest.events.deduplication import DeduplicationKey
from shared.billing.contracts.ingest.rejected_events import RejectedUsage, UsageRejected
from shared.framework.eventstore.records import SideWrite


class DuplicateKeys(Exception):
    """Some of the keys are of accepted events: look them up and decide again."""


@dataclass(frozen=True, slots=True)
class RejectedEventRow:
    """A rejected event as it is listed; `number` grows with time and is the cursor."""

    number: int
    tenant_id: str
    batch_id: str
    rejected_at: datetime
    event: RejectedUsage


class DeduplicationStore(Protocol):
    """All keys ever accepted; written only in the transaction of the events."""

    async def known(self, keys: Collection[DeduplicationKey]) -> dict[DeduplicationKey, int]:
        """The fingerprints of those keys that were accepted before."""

    async def store_write(
        self, accepted: Mapping[DeduplicationKey, int], rejected: Sequence[tuple[str, UsageRejected]]
    ) -> SideWrite:
        """The side write of new keys and of rejected events (with their tenant's id).

        It raises DuplicateKeys if any key is not new.
        """

    async def rejected(self, tenant_id: str, after: int, limit: int) -> Sequence[RejectedEventRow]:
        """Rejected events of a tenant with a number above `after`, oldest first."""
