"""The process from a closed billing period to its reading, which is taken once, at one position."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from services.metering.meters.ports import MeterRepository, RegisteredMeter
from services.metering.readings.query import PeriodQuantities
from services.metering.readings.usage_progress import UsageIsBehind, UsageProgress
from services.metering.rollups.ports import RollupSnapshot, RollupStore
from shared.billing.contracts.invoicing.billing_runs import BillingRunRetried
from shared.billing.contracts.metering.readings import MeterQuantity, UsageReadingTaken
from shared.billing.contracts.subscriptions.plans import Charge
from shared.billing.contracts.subscriptions.subscriptions import BillingPeriodClosed
from shared.billing.period import Period
from shared.billing.pricing import UsageDetail
from shared.framework.core.ids import derived_id, partition_of, slot_of
from shared.framework.eventstore.records import EventRecord, Timer
from shared.framework.eventstore.unit_of_work import Session

PURPOSE = "take-reading"


class ReadingRequest(msgspec.Struct, frozen=True):
    """The part of a closed period that its reading needs: the timer's payload.

    `details`: what prices need of meters, by key; of a meter that it does not name they need the total.
    """

    subscription_id: str
    customer_id: str
    subject: str
    period: Period
    meter_keys: tuple[str, ...]
    attempt: int = 1
    time_zone: str = "UTC"
    details: dict[str, tuple[UsageDetail, ...]] = {}

    @property
    def reading_id(self) -> str:
        """Derived, so that a period is read once for each attempt of its billing run."""
        return reading_id_of(self.subscription_id, self.period, self.attempt)


def reading_id_of(subscription_id: str, period: Period, attempt: int = 1) -> str:
    """The id of a reading, and of its stream."""
    again = [] if attempt == 1 else [str(attempt)]
    return derived_id("rdg", subscription_id, period.start.isoformat(), *again)


@dataclass(frozen=True, slots=True)
class PinnedUsage:
    """Quantities, and the position of ingest's partition up to which they are complete."""

    quantities: tuple[MeterQuantity, ...]
    unreadable_counts: dict[str, int]
    partition: int
    position: int


@dataclass(frozen=True, slots=True)
class ReadingProcess:
    """The process of all readings."""

    meters: MeterRepository
    rollups: RollupStore
    progress: UsageProgress
    partitions: int
    grace: timedelta

    async def on_billing_period_closed(
        self, session: Session, event: BillingPeriodClosed, _: EventRecord
    ) -> None:
        """Schedule the reading on the tenant's clock, a grace time after the period was over and closed.

        A period of the past is closed when its subscription is started: its usage may be sent from then on
        (billing rule 11).
        """
        request = ReadingRequest(
            event.subscription_id,
            event.customer_id,
            event.subject,
            event.period,
            _meter_keys(event.charges),
            time_zone=event.time_zone,
            details=_details(event.charges),
        )
        _schedule(session, request, max(event.period.end, event.closed_at) + self.grace)

    async def on_billing_run_retried(
        self, session: Session, event: BillingRunRetried, _: EventRecord
    ) -> None:
        """Schedule another reading of the period, for its subject, at once: its usage may be corrected."""
        first = await session.work.stream(
            session.tenant_id, reading_id_of(event.subscription_id, event.period)
        )
        subject = next(taken.subject for taken in first.events if isinstance(taken, UsageReadingTaken))
        request = ReadingRequest(
            event.subscription_id,
            event.customer_id,
            subject,
            event.period,
            _meter_keys(event.charges),
            event.attempt,
            event.time_zone,
            _details(event.charges),
        )
        _schedule(session, request, session.now)

    async def measure(self, timer: Timer) -> PinnedUsage:
        """Wait until all usage that is accepted by now is in the rollups, then read them at one position.

        Raises UsageIsBehind when that takes too long: the timer is tried again.
        """
        request = _request_of(timer)
        partition = partition_of(slot_of(timer.tenant_id), self.partitions)
        head = await self.progress.head(partition)
        await self.progress.wait_for_position(timer.tenant_id, partition, head)
        # Before the snapshot: waiting for a second connection while holding one may never end.
        registered = await self.meters.all()
        meters = {key: registered.get((timer.tenant_id, key)) for key in request.meter_keys}
        if behind := [key for key, meter in meters.items() if meter and not meter.is_active]:
            raise UsageIsBehind(f"meters {', '.join(behind)} are not backfilled yet")
        async with self.rollups.snapshot() as snapshot:
            quantities = PeriodQuantities(snapshot, request.subject, request.period, request.time_zone)
            read = [
                quantity
                for key, meter in meters.items()
                for detail in request.details.get(key, (UsageDetail.TOTAL,))
                for quantity in await quantities.read(key, meter, detail)
            ]
            unreadable = {
                key: count
                for key, meter in meters.items()
                if meter and (count := await _unreadable_count(snapshot, request, meter))
            }
            return PinnedUsage(tuple(read), unreadable, partition, await snapshot.position(partition))

    async def record(self, session: Session, timer: Timer, pinned: PinnedUsage) -> None:
        """Append the reading, unless its stream has it already."""
        request = _request_of(timer)
        if await session.version(request.reading_id):
            return
        reading = UsageReadingTaken(
            reading_id=request.reading_id,
            subscription_id=request.subscription_id,
            customer_id=request.customer_id,
            subject=request.subject,
            period=request.period,
            quantities=pinned.quantities,
            unreadable_counts=pinned.unreadable_counts,
            cutoff_partition=pinned.partition,
            cutoff_position=pinned.position,
            taken_at=session.now,
            attempt=request.attempt,
        )
        session.append(request.reading_id, 0, [reading])


def _meter_keys(charges: Sequence[Charge]) -> tuple[str, ...]:
    return tuple(sorted({charge.meter_key for charge in charges if charge.meter_key is not None}))


def _details(charges: Sequence[Charge]) -> dict[str, tuple[UsageDetail, ...]]:
    """What the prices of charges need of each meter of which some price needs more than the total."""
    needed: defaultdict[str, set[UsageDetail]] = defaultdict(set)
    for charge in charges:
        if charge.meter_key is not None and charge.price.needs_meter:
            needed[charge.meter_key].add(charge.price.usage_detail)
    return {
        key: tuple(sorted(details))
        for key, details in sorted(needed.items())
        if details != {UsageDetail.TOTAL}
    }


def _schedule(session: Session, request: ReadingRequest, due_at: datetime) -> None:
    timer_id = derived_id("tmr", request.reading_id, PURPOSE)
    session.schedule(timer_id, due_at, PURPOSE, msgspec.to_builtins(request))


async def _unreadable_count(
    snapshot: RollupSnapshot, request: ReadingRequest, registered: RegisteredMeter
) -> int:
    period = request.period
    return await snapshot.unreadable_count(
        registered.meter.meter_id, request.subject, period.start, period.end
    )


def _request_of(timer: Timer) -> ReadingRequest:
    return msgspec.convert(timer.payload, ReadingRequest)
