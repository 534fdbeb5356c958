"""Long work in slices, between which the event loop serves others."""

import asyncio

SLICE = 200
"""Rows, or items of an event, that are handled at a time: a few milliseconds of work."""


class Slices:
    """Counts handled items, and lets the event loop run after every SLICE of them."""

    def __init__(self) -> None:
        """Nothing is counted yet."""
        self._count = 0

    async def add(self, items: int = 1) -> None:
        """Count items that have been handled."""
        self._count += items
        if self._count >= SLICE:
            self._count = 0
            await asyncio.sleep(0)
