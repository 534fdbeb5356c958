"""What ingest needs beside its history: a memory of what was accepted, and a list of what was not."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.ingest.events.identity import Identity
from shared.billing.contracts.ingest.rejected_events import RejectedUsage
from shared.framework.eventstore.port import Effect


class SeenBefore(Exception):
    """Some of these identities have been accepted already: ask which, and decide again."""


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A rejected event as it is listed; `number` grows with time and is the cursor."""

    number: int
    tenant_id: str
    batch_id: str
    rejected_at: datetime
    event: RejectedUsage


@dataclass(frozen=True, slots=True)
class Rejections:
    """Events of one tenant that one transaction rejects."""

    tenant_id: str
    batch_id: str
    rejected_at: datetime
    events: tuple[RejectedUsage, ...]


class UsageLog(Protocol):
    """Remembers identities for ever and exactly; writes only inside the transaction of the events."""

    async def seen(self, identities: Collection[Identity]) -> dict[Identity, int]:
        """The fingerprints of those that were accepted before."""
        ...

    async def remember(self, accepted: Mapping[Identity, int], rejected: Sequence[Rejections]) -> Effect:
        """What writes both beside the events; the effect raises SeenBefore if any identity is not new."""
        ...

    async def rejected(self, tenant_id: str, after: int, limit: int) -> Sequence[RejectedRow]:
        """Rejected events of a tenant with a number above `after`, oldest first."""
        ...
