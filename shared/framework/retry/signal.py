"""A signal: wakes all tasks that wait for it."""

import asyncio


class Signal:
    """`notify` wakes all waiters. Take `event()` before you look at what you wait for."""

    def __init__(self) -> None:
        """No task is waiting."""
        self._event = asyncio.Event()

    def event(self) -> asyncio.Event:
        """The event that the next `notify` sets."""
        return self._event

    def notify(self) -> None:
        """Wake all waiters."""
        self._event.set()
        self._event = asyncio.Event()
