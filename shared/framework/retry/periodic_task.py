"""Periodic tasks: a step repeated for ever, with a pause when no work is left."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from shared.framework.retry.backoff import Backoff, Sleeper, restart_with_backoff

Step = Callable[[], Awaitable[int]]
"""Does some of the work; returns a true value if more may be left."""


def every(seconds: float) -> Backoff:
    """Pauses of constant length."""
    return Backoff(seconds, seconds)


@dataclass(frozen=True, slots=True)
class PeriodicTask:
    """Repeats `step`: at once if more work is left, else after a pause or as soon as `wake` is set.

    The pause grows with the number of consecutive steps without work. `wake` is cleared before each step: if
    it is set during the step, no pause follows.
    """

    step: Step
    pause: Backoff
    sleeper: Sleeper
    wake: asyncio.Event | None = None

    async def run(self) -> None:
        """Run for ever; raises what `step` raises."""
        idle = 0
        while True:
            if self.wake is not None:
                self.wake.clear()
            if await self.step() or await self.sleeper.sleep(self.pause.pause_s(idle), self.wake):
                idle = 0
            else:
                idle += 1


async def repeat(name: str, step: Step, sleeper: Sleeper, pause_s: float) -> None:
    """Run `step` for ever with a fixed pause, also after transient failures; raises other exceptions."""
    pause = every(pause_s)
    await restart_with_backoff(name, PeriodicTask(step, pause, sleeper).run, sleeper, pause)
