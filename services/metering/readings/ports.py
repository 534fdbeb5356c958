"""What metering needs beside its history: a book of meters, rollups, and news of how far usage has come."""

from typing import Protocol


class UsageIsBehind(Exception):
    """Not everything that was accepted has been folded yet: try again."""


class UsageProgress(Protocol):
    """How far ingest's history reaches, and how far it has been folded here."""

    async def head(self, partition: int) -> int:
        """The last position that ingest has settled in a partition."""
        ...

    async def wait_for_position(self, tenant_id: str, partition: int, position: int) -> None:
        """Return once everything of the tenant up to there is folded; UsageIsBehind when that takes long."""
        ...
