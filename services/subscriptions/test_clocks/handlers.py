"""Commands on test clocks; the other contexts follow the published events."""

from services.subscriptions.test_clocks.decider import (
    TEST_CLOCK,
    FrozenClock,
    TestClockCommand,
    TestClockState,
)
from shared.framework.core.ids import derived_id
from shared.framework.eventstore.unit_of_work import Session


async def set_test_clock(session: Session, command: TestClockCommand) -> TestClockState:
    """Start or advance the tenant's test clock, and return its state.

    Timers that fall due by then fire one by one, each at its own due time.
    """
    stream_id = derived_id("clk", session.tenant_id)
    await session.handle(TEST_CLOCK, stream_id, command)
    state = await session.state(TEST_CLOCK, stream_id)
    if isinstance(state, FrozenClock):
        session.set_clock(state.now)
    return state
