"""What a hot copy asks of the server that holds it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from projections.engine.read_model import Key


class CacheUnavailable(Exception):
    """It did not answer in its time: go on without it."""


class Cache(Protocol):
    """Documents by key, each with a revision that never goes back. Every call ends within a second."""

    @property
    def incarnation(self) -> str | None:
        """Who answered last; a server that was restarted may hold what was true before."""
        ...

    async def meet(self) -> str:
        """Who answers now. CacheUnavailable."""
        ...

    async def read(self, keys: Sequence[Key]) -> Mapping[Key, bytes]:
        """The documents that are there. CacheUnavailable."""
        ...

    async def write(self, documents: Mapping[Key, tuple[int, bytes]]) -> None:
        """Put documents with their revisions, except over newer ones. CacheUnavailable."""
        ...
