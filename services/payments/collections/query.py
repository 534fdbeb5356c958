"""How many payments have an unknown outcome, for the metrics of the service."""

from datetime import timedelta

import asyncpg

from services.payments.collections.handlers import CAPTURE
from shared.framework.core.clock import Clock
from shared.framework.observability import metrics
from shared.framework.process.scraped_gauges import Measurement

NEXT_CALL = timedelta(seconds=60)
"""A capture timer that is due later than that is the lookup of an unknown outcome, not a first call."""

_UNKNOWN = "SELECT count(*) FROM timers WHERE purpose = $1 AND NOT test_clock AND due_at > $2"


def unknown_payments_measurement(pool: "asyncpg.Pool[asyncpg.Record]", clock: Clock) -> Measurement:
    """Sets the gauge of payments that wait for a lookup; tenants with a test clock are not counted."""

    async def measure() -> None:
        metrics.PAYMENTS_UNKNOWN.set(float("nan"))
        metrics.PAYMENTS_UNKNOWN.set(await pool.fetchval(_UNKNOWN, CAPTURE, clock.now() + NEXT_CALL))

    return measure
