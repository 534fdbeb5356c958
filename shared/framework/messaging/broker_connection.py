"""A line to the broker that may break: it is made again, from where the inbox stands."""

import logging
from collections.abc import Sequence

from shared.framework.messaging.inbox import Inbox
from shared.framework.messaging.port import Broker, BrokerFailed, Delivery, Subscriber
from shared.framework.retry.backoff import Backoff, Sleeper

CLUSTER_CHECK_INTERVAL_S = 1.0
POLL_WAIT_S = 0.25
RECONNECTS = Backoff(0.05, 1.0)

_log = logging.getLogger(__name__)


class BrokerConnection:
    """Polls what can be polled. Silence is always possible; the sweeper covers it."""

    def __init__(self, broker: Broker, inbox: Inbox, sleeper: Sleeper) -> None:
        """Not connected yet."""
        self._broker = broker
        self._inbox = inbox
        self._sleeper = sleeper
        self._subscriber: Subscriber | None = None
        self._incarnation = ""
        self._ask_at = 0.0
        self._failures = 0

    @property
    def broken(self) -> bool:
        """Whether nothing can be heard at present."""
        return self._subscriber is None

    async def poll(self, limit: int) -> Sequence[Delivery]:
        """What the broker has for us; nothing, after a pause, while it cannot be reached."""
        try:
            subscriber = await self._connected()
            deliveries = await subscriber.poll(limit, POLL_WAIT_S)
        except BrokerFailed as error:
            _log.warning("the broker connection failed", extra={"cause": repr(error)})
            await self.close()
            await self._sleeper.sleep(RECONNECTS.pause_s(self._failures))
            self._failures += 1
            return ()
        self._failures = 0
        return deliveries

    async def close(self) -> None:
        """Let go."""
        subscriber, self._subscriber = self._subscriber, None
        if subscriber is not None:
            await subscriber.close()

    async def _connected(self) -> Subscriber:
        if self._subscriber is None or self._sleeper.elapsed() >= self._ask_at:
            incarnation = await self._broker.cluster_id()
            self._ask_at = self._sleeper.elapsed() + CLUSTER_CHECK_INTERVAL_S
            if self._subscriber is None or incarnation != self._incarnation:
                await self.close()
                self._incarnation = incarnation
                self._subscriber = await self._broker.subscriber(self._inbox.starting_offsets(incarnation))
        return self._subscriber
