"""What has happened by a quiet moment: events, the gateway's ledger, the answers to clients."""

from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from services.payments.gateways.sandbox.ledger import SandboxCharge, SandboxRefund
from shared.billing.contracts import CONTRACTS
from shared.framework.core.event import Event
from shared.framework.eventstore.records import EventRecord, TenantClock, Timer
from tests.simulation.client import Answer, Request
from tests.simulation.restores import Restore

if TYPE_CHECKING:
    from tests.simulation.world import World

CLOCK_ERROR_MAX = timedelta(seconds=301)
"""The most by which a fault makes a host's clock wrong."""

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
    """`now`: the true time. `memory`: what clients remember. `clocks`: by context, those of tenants."""

    now: datetime
    charges: Sequence[SandboxCharge]
    refunds: Sequence[SandboxRefund]
    answers: Sequence[tuple[Request, Answer]]
    memory: dict[str, Any]
    by_type: dict[type[Event], list[Fact]] = field(default_factory=lambda: defaultdict(list))
    records: Sequence[EventRecord] = ()
    timers: dict[str, list[Timer]] = field(default_factory=dict)
    clocks: dict[str, dict[str, TenantClock]] = field(default_factory=dict)
    restores: Sequence[Restore] = ()
    lost: Set[str] = frozenset()
    """Ids of what restores have lost, and of what that names: others may still have its consequences."""
    set_aside: Set[str] = frozenset()
    """See left_behind."""

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
            restores=world.restores,
            lost=set().union(*(one.ids() for one in world.restores)),
            set_aside=world.left_behind,
            clocks={context: dict(store._clocks) for context, store in world.stores.items()},
        )
        for record in self.records:
            event = CONTRACTS.decode(record.wire_name, record.state)
            if event is not None:
                self.by_type[type(event)].append(Fact(record, event))
        return self

    def clock_of(self, tenant: str) -> datetime | None:
        """The instant of a tenant's test clock; None if it has none."""
        clock = self.clocks["subscriptions"].get(tenant)
        return None if clock is None else clock.now

    def now_of(self, tenant: str) -> datetime:
        """The tenant's time."""
        return self.clock_of(tenant) or self.now

    def clock_error_of(self, tenant: str) -> timedelta:
        """By how much the tenant's time may be wrong where something happens: a test clock is never wrong."""
        return CLOCK_ERROR_MAX if self.clock_of(tenant) is None else timedelta(0)

    def occurred_at(self, record: EventRecord) -> datetime:
        """When an event happened: by the test clock, or as the database noted it."""
        return record.metadata.occurred_at if record.metadata.test_clock else record.recorded_at

    def left_behind(self) -> Set[str]:
        """The tenants whose test clock may have gone on without a timer that failed again and again."""
        return self.set_aside

    def is_after_restore(self, record: EventRecord) -> bool:
        """Whether an event was written after a restore."""
        return any(one.report.continues_at.get(record.context, 0) < record.position for one in self.restores)

    def has_lost_usage(self, position: int) -> bool:
        """Whether usage up to a position of ingest was lost: a reading that was taken stays."""
        return any(
            one.context == "ingest" and any(record.position <= position for record in one.lost)
            for one in self.restores
        )

    def all(self, kind: type[EventT]) -> Iterator[tuple[EventRecord, EventT]]:
        """The events of a class in the order of their positions."""
        for fact in self.by_type[kind]:
            yield fact.record, fact.event
