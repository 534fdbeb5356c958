"""Positions of a consumer that its upstream context does not have any more: the upstream has lost history."""

import logging

from shared.framework.messaging.port import TopicPartition
from shared.framework.observability import metrics

CURE = "stop the services and run `tollhouse reconcile` (docs/guides/backup-and-restore.md)"

_log = logging.getLogger(__name__)


class UpstreamHistoryIsShort(Exception):
    """An event that was consumed is missing upstream: that database was restored to an earlier state.

    New events get positions that the consumer has passed, and would be skipped. So it consumes nothing until
    the positions are reconciled and it is started again.
    """


class PositionsAhead:
    """The partitions of one consumer that it has consumed beyond the history of their feed.

    Once noted a partition stays: when new events have passed the position, nothing would show it any more.
    """

    def __init__(self) -> None:
        """None is ahead."""
        self._ahead: dict[TopicPartition, int] = {}

    def __bool__(self) -> bool:
        """Whether a partition is ahead of its feed."""
        return bool(self._ahead)

    def compare(self, partition: TopicPartition, position: int, head: int) -> None:
        """Compare a committed position with a head that the feed gave after the commit."""
        if position > head:
            self._note(partition, position, head)
        elif partition not in self._ahead:
            metrics.CONSUMER_AHEAD.labels(partition[0], str(partition[1])).set(0)

    def follows(self, partition: TopicPartition, position: int, previous: int) -> bool:
        """Whether the next record may be consumed, whose partition has `previous` before it.

        If that is an earlier one than `position`, the event at `position` is gone.
        """
        if previous < position:
            self._note(partition, position, previous)
        return partition not in self._ahead

    async def check(self) -> None:
        """Readiness check. Raises UpstreamHistoryIsShort."""
        if self._ahead:
            raise UpstreamHistoryIsShort(f"{sorted(self._ahead)}: {CURE}")

    def _note(self, partition: TopicPartition, position: int, head: int) -> None:
        if partition in self._ahead:
            return
        self._ahead[partition] = position
        topic, number = partition
        metrics.CONSUMER_AHEAD.labels(topic, str(number)).set(position - head)
        _log.error(
            "an upstream context has lost history: nothing is consumed",
            extra={"topic": topic, "partition": number, "position": position, "head": head, "cure": CURE},
        )
