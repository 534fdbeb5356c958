"""What the routes of a process need, given to the application once."""

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from shared.framework.core.clock import Clock
from shared.framework.core.ids import IdGenerator
from shared.framework.eventstore.ports import CommandStore
from shared.framework.http.read_your_writes import PositionWaiter


@dataclass(frozen=True, slots=True)
class ServiceContext:
    """The process around the routes: its store, clock and ids, and the waiter for positions."""

    name: str
    store: CommandStore
    clock: Clock
    ids: IdGenerator
    partitions: int
    waiter: PositionWaiter


def service_context_of(connection: HTTPConnection) -> ServiceContext:
    """The context of the process that serves this request."""
    context: ServiceContext = connection.app.state.service
    return context
