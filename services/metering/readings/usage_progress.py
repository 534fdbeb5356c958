"""How much of the accepted usage is in the rollups: ingest's feed compared with our inbox positions."""

from dataclasses import dataclass

from services.metering.rollups.ports import CONSUMER
from shared.billing.contracts import TOPICS
from shared.framework.eventstore.ports import ConsumerStore
from shared.framework.messaging.feed import FeedReader
from shared.framework.retry.backoff import Sleeper

POLL_INTERVAL_S = 0.05


class UsageIsBehind(Exception):
    """Some accepted usage is not in the rollups yet: try again later."""


@dataclass(frozen=True, slots=True)
class UsageProgress:
    """Positions are read from the database, because any process of the context may be the consumer."""

    store: ConsumerStore
    feeds: FeedReader
    sleeper: Sleeper
    partitions: int
    timeout_s: float = 5.0

    async def head(self, partition: int) -> int:
        """The last position of a partition of ingest's feed."""
        return (await self.feeds.heads("ingest", self.partitions)).get(partition, 0)

    async def wait_for_position(self, tenant_id: str, partition: int, position: int) -> None:
        """Return when the tenant's usage up to a position is in the rollups.

        Raises UsageIsBehind after `timeout_s`, or at once if some is among the dead letters: those are not
        in the rollups, whatever the position.
        """
        deadline = self.sleeper.elapsed() + self.timeout_s
        topic = TOPICS["ingest"]
        while True:
            reached = (await self.store.inbox(CONSUMER)).get((topic, partition))
            if (reached.position if reached else 0) >= position:
                break
            if self.sleeper.elapsed() >= deadline:
                raise UsageIsBehind(f"{topic}, partition {partition} has not reached {position}")
            await self.sleeper.sleep(POLL_INTERVAL_S)
        for dead_letter in await self.store.dead_letters(CONSUMER):
            if dead_letter.topic == topic and dead_letter.record.tenant_id == tenant_id:
                raise UsageIsBehind(f"usage of {tenant_id} is in the dead letters: {dead_letter.cause}")
