"""The metric of an event loop that is held."""

import asyncio

from shared.framework.observability.metrics import EVENT_LOOP_LAG
from shared.framework.process.event_loop_lag import INTERVAL_S, EventLoopLag


class HeldSleeper:
    """Returns this much later than it was told to."""

    def __init__(self, late_s: float) -> None:
        self.now, self.late_s = 0.0, late_s

    async def sleep(self, seconds: float, wake: asyncio.Event | None = None) -> bool:
        self.now += seconds + self.late_s
        return False

    def elapsed(self) -> float:
        return self.now


def lag_seconds() -> float:
    [metric] = EVENT_LOOP_LAG.collect()
    return next(sample.value for sample in metric.samples if sample.name.endswith("_sum"))


async def test_what_holds_the_loop_is_observed_as_lag() -> None:
    """Nothing is observed while the loop is on time, and never less than nothing."""
    for late_s, expected in ((0.0, 0.0), (0.25, 0.25), (-INTERVAL_S / 2, 0.0)):
        before = lag_seconds()
        await EventLoopLag(HeldSleeper(late_s)).observe()
        assert round(lag_seconds() - before, 6) == expected
