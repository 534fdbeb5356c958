"""What ingest needs beside its history: a memory of what was accepted, and a list of what was not."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.ingest.events.identity import DeduplicationKey
from shared.billing.contracts.ingest.rejected_events import RejectedUsage
from shared.framework.eventstore.records import SideWrite


class DuplicateKeys(Exception):
    """Some of these identities have been accepted already: ask which, and decide again."""


@dataclass(frozen=True, slots=True)
class RejectedEventRow:
    """A rejected event as it is listed; `number` grows with time and is the cursor."""

    number: int
    tenant_id: str
    batch_id: str
    rejected_at: datetime
    event: RejectedUsage


@dataclass(frozen=True, slots=True)
class RejectedBatch:
    """Events of one tenant that one transaction rejects."""

    tenant_id: str
    batch_id: str
    rejected_at: datetime
    events: tuple[RejectedUsage, ...]


class DeduplicationStore(Protocol):
    """Remembers identities for ever and exactly; writes only inside the transaction of the events."""

    async def known(self, identities: Collection[DeduplicationKey]) -> dict[DeduplicationKey, int]:
        """The fingerprints of those that were accepted before."""
        ...

    async def store(
        self, accepted: Mapping[DeduplicationKey, int], rejected: Sequence[RejectedBatch]
    ) -> SideWrite:
        """What writes both beside the events; the effect raises DuplicateKeys if any identity is not new."""
        ...

    async def rejected(self, tenant_id: str, after: int, limit: int) -> Sequence[RejectedEventRow]:
        """Rejected events of a tenant with a number above `after`, oldest first."""
        ...
