"""What every route of a process leans on, handed to the application once."""

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from shared.framework.core.clock import Clock
from shared.framework.core.ids import IdGenerator
from shared.framework.eventstore.ports import CommandStore
from shared.framework.http.credential import Authenticator
from shared.framework.http.read_your_writes import PositionWaiter


@dataclass(frozen=True, slots=True)
class ServiceContext:
    """The process around the routes: its history, its time, who may enter, and how far it has heard."""

    name: str
    store: CommandStore
    clock: Clock
    ids: IdGenerator
    authenticator: Authenticator
    partitions: int
    waiter: PositionWaiter


def service_context_of(connection: HTTPConnection) -> ServiceContext:
    """The house that serves this request."""
    house: ServiceContext = connection.app.state.house
    return house
