"""Commands on test clocks; the other contexts follow the published events."""

from services.subscriptions.test_clocks.decider import (
    TEST_CLOCK,
    AdvancingClock,
    FrozenClock,
    TestClockCommand,
    TestClockState,
)
from shared.framework.core.ids import derived_id
from shared.framework.eventstore.records import ClockChange
from shared.framework.eventstore.unit_of_work import Session


def clock_id(tenant_id: str) -> str:
    """The stream of a tenant's test clock."""
    return derived_id("clk", tenant_id)


async def set_test_clock(session: Session, command: TestClockCommand) -> TestClockState:
    """Handle a command on the tenant's test clock, and return its state."""
    stream_id = clock_id(session.tenant_id)
    await session.handle(TEST_CLOCK, stream_id, command)
    return await resume_clock(session, stream_id)


async def resume_clock(session: Session, stream_id: str) -> TestClockState:
    """Set the clock of this context to the state of its stream, also after a restore; returns the state."""
    state = await session.state(TEST_CLOCK, stream_id)
    match state:
        case FrozenClock(now=now):
            session.set_clock(ClockChange(now, None))
        case AdvancingClock(now=now, target=target):
            session.set_clock(ClockChange(now, target))
    return state
