"""A step that is repeated for ever, with a pause whenever there is nothing left to do."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from shared.framework.retry.backoff import Backoff, Sleeper, restart_with_backoff

Step = Callable[[], Awaitable[int]]
"""Does some of the work; true or not 0 when more of it is waiting."""


def every(seconds: float) -> Backoff:
    """Pauses that are always as long."""
    return Backoff(seconds, seconds)


@dataclass(frozen=True, slots=True)
class PeriodicTask:
    """Repeats `step`: at once when more work is waiting, else after a pause or as soon as `wake` is set.

    `pause` grows with the number of steps in a row after which none was. `wake` is cleared before each step:
    when it is set during the step, no pause follows.
    """

    step: Step
    pause: Backoff
    sleeper: Sleeper
    wake: asyncio.Event | None = None

    async def run(self) -> None:
        """Never return; raises what the step raises."""
        idle = 0
        while True:
            if self.wake is not None:
                self.wake.clear()
            if await self.step() or await self.sleeper.sleep(self.pause.pause_s(idle), self.wake):
                idle = 0
            else:
                idle += 1


async def repeat(name: str, step: Step, sleeper: Sleeper, pause_s: float) -> None:
    """Repeat a step for ever with a fixed pause, also after transient failures; raises every other one."""
    pause = every(pause_s)
    await restart_with_backoff(name, PeriodicTask(step, pause, sleeper).run, sleeper, pause)
