"""Test clocks: this context moves them, and every other hears of it."""

from datetime import datetime

from services.subscriptions.test_clocks.decider import (
    TEST_CLOCK,
    AdvanceTestClock,
    StartTestClock,
    TestClockCommand,
)
from shared.framework.core.ids import derived_id
from shared.framework.eventstore.unit_of_work import Session


async def start_test_clock(session: Session, now: datetime) -> datetime:
    """Take the tenant out of the real time."""
    return await _set(session, StartTestClock(now=now), now)


async def advance_test_clock(session: Session, to: datetime) -> datetime:
    """Move the tenant's time forward; all that falls due until then happens at its own moment."""
    return await _set(session, AdvanceTestClock(to=to), to)


async def _set(session: Session, command: TestClockCommand, now: datetime) -> datetime:
    await session.handle(TEST_CLOCK, derived_id("clk", session.tenant_id), command)
    session.set_clock(now)
    return now
