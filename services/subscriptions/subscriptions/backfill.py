"""Claims on usage of subscriptions that a release without claims has started, made from the own history."""

from dataclasses import dataclass, field

from services.subscriptions.subscriptions.reactions import (
    on_subscription_cancelled,
    on_subscription_started,
)
from shared.billing.contracts import TOPICS
from shared.billing.contracts.subscriptions.subscriptions import SubscriptionCancelled, SubscriptionStarted
from shared.framework.core.clock import Clock
from shared.framework.core.event import Event
from shared.framework.eventstore.ports import InboxConflict, Store
from shared.framework.eventstore.records import EventRecord, InboxAdvance, InboxPosition
from shared.framework.eventstore.unit_of_work import UnitOfWork, transact
from shared.framework.messaging.handlers import Handler, Reactor, reaction_handler

CONSUMER = "subscriptions.usage-claims"
TOPIC = TOPICS["subscriptions"]
REACTORS: dict[type[Event], Reactor] = {
    SubscriptionStarted: on_subscription_started,
    SubscriptionCancelled: on_subscription_cancelled,
}
WIRE_NAMES = frozenset(event.wire_name for event in REACTORS)
RECORDS_MAX = 500


@dataclass(slots=True)
class UsageClaimBackfill:
    """Reads the context's own feed up to its end, and remembers how far it has come.

    It runs before the process serves, so that no start is decided without the claims of older subscriptions,
    and then every few seconds: in a rolling update, processes of the older release still start subscriptions.
    """

    store: Store
    clock: Clock
    partitions: int
    _handle: Handler = field(init=False)

    def __post_init__(self) -> None:
        """Make the handler of the two events."""
        self._handle = reaction_handler(REACTORS, self.clock)

    async def catch_up(self) -> None:
        """Read every partition to its end."""
        while await self.step():
            pass

    async def step(self) -> int:
        """Handle one page of each partition; returns the number of records read."""
        inbox = await self.store.inbox(CONSUMER)
        read = 0
        for partition in range(self.partitions):
            reached = inbox.get((TOPIC, partition), InboxPosition(CONSUMER, TOPIC, partition, 0))
            page = await self.store.feed(partition, self.partitions, reached.position, RECORDS_MAX)
            if page.records:
                await self._apply(page.records, reached)
                read += len(page.records)
        return read

    async def _apply(self, records: tuple[EventRecord, ...], reached: InboxPosition) -> None:
        """Handle the records in one commit; another process may have been faster."""
        target = InboxPosition(CONSUMER, TOPIC, reached.partition, records[-1].position)

        async def work(unit: UnitOfWork) -> None:
            await self._handle(unit, [record for record in records if record.wire_name in WIRE_NAMES])
            unit.changes.inbox.append(InboxAdvance(target, reached.position))

        try:
            await transact(self.store, work)
        except InboxConflict:
            return
