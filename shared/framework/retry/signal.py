"""Signals: wake all tasks that wait for them; those of a process are given by its commits."""

import asyncio
from dataclasses import dataclass, field

from shared.framework.eventstore.records import ChangeSet


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


@dataclass(frozen=True, slots=True)
class CommitSignals:
    """What the commits of a process wake: its relay and timers, and those who wait for a commit.

    `wakes`: set after each commit with events, timers or test clocks. `commits` is notified after each
    commit, `clock_changes` after each with test clocks.
    """

    wakes: list[asyncio.Event] = field(default_factory=list)
    commits: Signal = field(default_factory=Signal)
    clock_changes: Signal = field(default_factory=Signal)

    def committed(self, changes: ChangeSet) -> None:
        """Wake all that these changes concern."""
        if changes.appends or changes.timers or changes.clocks:
            for wake in self.wakes:
                wake.set()
        self.commits.notify()
        if changes.clocks:
            self.clock_changes.notify()
