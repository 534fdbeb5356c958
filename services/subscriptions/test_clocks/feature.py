"""What the subject test clocks adds to the subscriptions service."""

from services.subscriptions.test_clocks.handlers import resume_clock
from services.subscriptions.test_clocks.leaps import Leaps
from services.subscriptions.test_clocks.routes import clock_routers
from shared.framework.eventstore.unit_of_work import Session
from shared.framework.process.feature import Feature


def clocks(leaps: Leaps) -> Feature:
    """Routes of the clocks, and the task that advances them."""
    return Feature(routers=clock_routers(leaps), tasks={"leaps": leaps.run}, resume={"clk": _resume})


async def _resume(session: Session, stream_id: str) -> None:
    await resume_clock(session, stream_id)
