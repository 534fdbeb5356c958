"""How far usage has come: ingest's feed on the one side, our own inbox marks on the other."""

from dataclasses import dataclass

from services.metering.readings.ports import UsageIsBehind
from services.metering.rollups.ports import CONSUMER
from shared.billing.contracts import TOPICS
from shared.framework.eventstore.ports import ConsumerStore
from shared.framework.messaging.feed import FeedReader
from shared.framework.retry.backoff import Sleeper

LOOK_EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class InboxUsageProgress:
    """See UsageProgress. Marks are read from the database, so any process of the context may be folding."""

    store: ConsumerStore
    feeds: FeedReader
    sleeper: Sleeper
    partitions: int
    patience_s: float = 5.0

    async def head(self, partition: int) -> int:
        """See UsageProgress."""
        return (await self.feeds.heads("ingest", self.partitions)).get(partition, 0)

    async def wait_for_position(self, tenant_id: str, partition: int, position: int) -> None:
        """See UsageProgress. Usage that lies parked is not folded, whatever the mark says."""
        deadline = self.sleeper.elapsed() + self.patience_s
        place = (TOPICS["ingest"], partition)
        while True:
            mark = (await self.store.inbox(CONSUMER)).get(place)
            if (mark.position if mark else 0) >= position:
                break
            if self.sleeper.elapsed() >= deadline:
                raise UsageIsBehind(f"{place} has not reached {position}")
            await self.sleeper.sleep(LOOK_EVERY_S)
        for letter in await self.store.dead_letters(CONSUMER):
            if letter.topic == place[0] and letter.record.tenant_id == tenant_id:
                raise UsageIsBehind(f"usage of {tenant_id} is in the dead letters: {letter.cause}")
