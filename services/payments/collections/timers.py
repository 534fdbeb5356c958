"""The collection saga's steps: each is one transaction, and what it puts off is in the same one."""

from services.payments.collections.handlers import _start_attempt
from shared.framework.eventstore.port import Timer
from shared.framework.eventstore.unit_of_work import Session


async def on_attempt_due(session: Session, timer: Timer, _: object) -> None:
    """A pause of the schedule is over."""
    await _start_attempt(session, timer.payload["collection_id"], timer.payload["attempt"])
