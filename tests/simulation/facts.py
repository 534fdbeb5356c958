"""What has happened by a quiet moment: events, the gateway's ledger, the answers to clients."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from services.payments.gateways.sandbox.ledger import SandboxCharge, SandboxRefund
from shared.billing.contracts import CONTRACTS
from shared.framework.core.event import Event
from shared.framework.eventstore.records import EventRecord, Timer
from tests.simulation.client import Answer, Request

if TYPE_CHECKING:
    from tests.simulation.world import World

EventT = TypeVar("EventT", bound=Event)


@dataclass(frozen=True, slots=True)
class Fact:
    """An event with its record."""

    record: EventRecord
    event: Any

    @property
    def tenant(self) -> str:
        return self.record.tenant_id


@dataclass(slots=True)
class Facts:
    """`now`: the true time. `memory`: what clients remember."""

    now: datetime
    charges: Sequence[SandboxCharge]
    refunds: Sequence[SandboxRefund]
    answers: Sequence[tuple[Request, Answer]]
    memory: dict[str, Any]
    by_type: dict[type[Event], list[Fact]] = field(default_factory=lambda: defaultdict(list))
    records: Sequence[EventRecord] = ()
    timers: dict[str, list[Timer]] = field(default_factory=dict)

    @classmethod
    def of(cls, world: "World") -> "Facts":
        """The facts of a world that rests."""
        run = world.loop.run_now
        self = cls(
            world.now(),
            run(world.ledger.charges()),
            run(world.ledger.refunds()),
            world.answers,
            world.memory,
            records=world.records(),
            timers={context: list(store._timers.values()) for context, store in world.stores.items()},
        )
        for record in self.records:
            event = CONTRACTS.decode(record.wire_name, record.state)
            if event is not None:
                self.by_type[type(event)].append(Fact(record, event))
        return self

    def all(self, kind: type[EventT]) -> Iterator[tuple[EventRecord, EventT]]:
        """The events of a class in the order of their positions."""
        for fact in self.by_type[kind]:
            yield fact.record, fact.event
