"""What all routes of a process share."""

from dataclasses import dataclass, field

from starlette.requests import HTTPConnection

from shared.framework.core.clock import Clock
from shared.framework.core.ids import IdGenerator
from shared.framework.eventstore.ports import CommandStore
from shared.framework.http.read_your_writes import ClockWaiter, NoClockWaiter, PositionWaiter


@dataclass(frozen=True, slots=True)
class ServiceContext:
    """The store, clock, ids and consumer of the process; `partitions`: of its topic."""

    name: str
    store: CommandStore
    clock: Clock
    ids: IdGenerator
    partitions: int
    waiter: PositionWaiter
    clock_waiter: ClockWaiter = field(default_factory=NoClockWaiter)


def service_context_of(connection: HTTPConnection) -> ServiceContext:
    """The context of the process that serves a request."""
    context: ServiceContext = connection.app.state.service_context
    return context
