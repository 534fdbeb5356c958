"""Readings that a bill may stand on: taken after the grace time, complete, and pinned to a position."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec

from services.metering.meters.ports import MeterRepository
from services.metering.readings.ports import UsageIsBehind, UsageProgress
from services.metering.rollups.ports import RollupSnapshot, RollupStore
from services.metering.usage_queries.query import UsageQuery, usage_buckets
from shared.billing.contracts.metering.meters import MeterDefined
from shared.billing.contracts.metering.readings import MeterQuantity, UsageReadingTaken
from shared.billing.contracts.subscriptions.subscriptions import BillingPeriodClosed
from shared.billing.period import Period
from shared.framework.core.ids import derived_id, partition_of, slot_of
from shared.framework.eventstore.records import EventRecord, Timer
from shared.framework.eventstore.unit_of_work import Session

PURPOSE = "take-reading"


class ReadingRequest(msgspec.Struct, frozen=True):
    """Of a closed period, what is needed to read its usage: the timer's payload."""

    subscription_id: str
    customer_id: str
    subject: str
    period: Period
    meter_keys: tuple[str, ...]

    @property
    def reading_id(self) -> str:
        """One reading per subscription and period."""
        return derived_id("rdg", self.subscription_id, self.period.start.isoformat())


@dataclass(frozen=True, slots=True)
class PinnedUsage:
    """Quantities and the position up to which they include everything, read as one."""

    quantities: tuple[MeterQuantity, ...]
    partition: int
    position: int


@dataclass(frozen=True, slots=True)
class ReadingProcess:
    """The process from a closed period to its reading."""

    book: MeterRepository
    rollups: RollupStore
    progress: UsageProgress
    partitions: int
    grace: timedelta

    async def on_billing_period_closed(
        self, session: Session, event: BillingPeriodClosed, _: EventRecord
    ) -> None:
        """Wait for the grace time (billing rule 11), on the tenant's own clock."""
        keys = sorted({charge.meter_key for charge in event.charges if charge.meter_key is not None})
        closing = ReadingRequest(
            event.subscription_id, event.customer_id, event.subject, event.period, tuple(keys)
        )
        timer_id = derived_id("tmr", closing.reading_id, PURPOSE)
        payload = msgspec.to_builtins(closing)
        session.schedule(timer_id, event.period.end + self.grace, PURPOSE, payload)

    async def measure(self, timer: Timer) -> PinnedUsage:
        """Wait until all that ingest has accepted by now is folded, then read it at one position.

        UsageIsBehind when that takes too long: the timer comes again.
        """
        closing = _closing_in(timer)
        partition = partition_of(slot_of(timer.tenant_id), self.partitions)
        head = await self.progress.head(partition)
        await self.progress.wait_for_position(timer.tenant_id, partition, head)
        # Before the snapshot: who waits for a second connection while holding one may wait for ever.
        meters = {key: await self._meter(timer.tenant_id, key) for key in closing.meter_keys}
        async with self.rollups.snapshot() as snapshot:
            quantities: list[MeterQuantity] = []
            for key, meter in meters.items():
                quantities += await _quantities(snapshot, timer.tenant_id, closing, key, meter)
            return PinnedUsage(tuple(quantities), partition, await snapshot.position(partition))

    async def _meter(self, tenant_id: str, key: str) -> MeterDefined | None:
        entry = await self.book.find(tenant_id, key)
        if entry is None:
            return None
        if entry.joined_from is None:
            raise UsageIsBehind(f"meter {key} is not backfilled yet")
        return entry.meter

    async def record(self, session: Session, timer: Timer, pinned: PinnedUsage) -> None:
        """Tell the reading, once: a second one would be version 1 of the same stream."""
        closing = _closing_in(timer)
        if await session.version(closing.reading_id):
            return
        reading = UsageReadingTaken(
            reading_id=closing.reading_id,
            subscription_id=closing.subscription_id,
            customer_id=closing.customer_id,
            subject=closing.subject,
            period=closing.period,
            quantities=pinned.quantities,
            cutoff_partition=pinned.partition,
            cutoff_position=pinned.position,
            taken_at=session.now,
        )
        session.append(closing.reading_id, 0, [reading])


async def _quantities(
    snapshot: RollupSnapshot, tenant_id: str, closing: ReadingRequest, key: str, meter: MeterDefined | None
) -> Sequence[MeterQuantity]:
    nothing = [MeterQuantity(meter_key=key, dimensions={}, quantity=Decimal(0))]
    if meter is None or closing.period.start >= closing.period.end:
        return nothing
    asked = UsageQuery(
        meter=meter,
        tenant_id=tenant_id,
        subject=closing.subject,
        start=closing.period.start,
        end=closing.period.end,
        window="total",
        group_by=meter.group_by,
    )
    found = [
        MeterQuantity(meter_key=key, dimensions=figure.group, quantity=figure.value)
        for figure in await usage_buckets(snapshot, asked)
    ]
    return found or nothing


def _closing_in(timer: Timer) -> ReadingRequest:
    payload: dict[str, Any] = timer.payload
    return msgspec.convert(payload, ReadingRequest)
