"""Test clocks: this context moves them, and every other hears of it."""

from services.subscriptions.test_clocks.decider import (
    TEST_CLOCK,
    FrozenClock,
    TestClockCommand,
    TestClockState,
)
from shared.framework.core.ids import derived_id
from shared.framework.eventstore.unit_of_work import Session


async def set_test_clock(session: Session, command: TestClockCommand) -> TestClockState:
    """Start or move the tenant's clock; all that falls due until then happens at its own moment."""
    stream_id = derived_id("clk", session.tenant_id)
    await session.handle(TEST_CLOCK, stream_id, command)
    time = await session.state(TEST_CLOCK, stream_id)
    if isinstance(time, FrozenClock):
        session.set_clock(time.now)
    return time
