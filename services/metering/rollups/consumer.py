"""Consumer of UsageRecorded: adds up one poll's batches and writes the rollups in the inbox's transaction."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from services.metering.meters.ports import MeterRepository, RegisteredMeters
from services.metering.rollups.accumulator import CompiledMeter, MeterInput, UsageAccumulator
from services.metering.rollups.ports import RollupStore
from services.metering.rollups.unreadable_usage import UnreadableEvent, UnreadableUse
from shared.billing.contracts.ingest.usage import UsageRecorded
from shared.framework.eventstore.contracts import EventIsUnreadable, json_bytes
from shared.framework.eventstore.records import EventRecord
from shared.framework.eventstore.unit_of_work import UnitOfWork


class UsageBatch(msgspec.Struct, gc=False):
    """The part of UsageRecorded that is counted."""

    events: list[MeterInput]


class EventIdentity(msgspec.Struct):
    """What tells a usage event from others."""

    source: str
    id: str
    subject: str
    time: datetime


class IdentityBatch(msgspec.Struct):
    """The part of UsageRecorded that names events; decoded only if some cannot be read."""

    events: list[EventIdentity]


_decoder = msgspec.json.Decoder(UsageBatch, float_hook=Decimal)
_identities = msgspec.json.Decoder(IdentityBatch)


class RollupConsumer:
    """Batch handler of ingest's events."""

    def __init__(self, meters: MeterRepository, rollups: RollupStore) -> None:
        """Usage is counted by these meters into these rollups."""
        self._meters = meters
        self._rollups = rollups

    async def __call__(self, unit: UnitOfWork, records: Sequence[EventRecord]) -> None:
        """Count the records by all active meters; the commit fails if another is activated."""
        compiled = _compiled_meters(await self._meters.all())
        usage = UsageAccumulator()
        for record in records:
            if record.wire_name == UsageRecorded.wire_name:
                meters = compiled.get(record.tenant_id, ())
                count_record(usage, record, [meter for after, meter in meters if after < record.position])
        active_count = sum(map(len, compiled.values()))
        unit.changes.side_writes.append(self._meters.assert_active_count_write(active_count))
        write = await self._rollups.record_write(usage)
        if write is not None:
            unit.changes.side_writes.append(write)


def _compiled_meters(registered: RegisteredMeters) -> Mapping[str, list[tuple[int, CompiledMeter]]]:
    """The active meters by tenant, each with the position after which it counts."""
    meters: defaultdict[str, list[tuple[int, CompiledMeter]]] = defaultdict(list)
    for one in registered.values():
        if one.joined_from is not None:
            meters[one.tenant_id].append((one.joined_from, CompiledMeter.of(one.tenant_id, one.meter)))
    return meters


def count_record(usage: UsageAccumulator, record: EventRecord, meters: Sequence[CompiledMeter]) -> None:
    """Count a stored batch by its tenant's meters. EventIsUnreadable if its bytes are damaged."""
    body = json_bytes(record.wire_name, record.state)
    try:
        unreadable = usage.add(_decoder.decode(body).events, meters)
        if unreadable:
            events = _identities.decode(body).events
            usage.unreadable += [_listed(one, record, events[one.index]) for one in unreadable]
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise EventIsUnreadable(f"{record.stream_id}: {error}") from error


def _listed(use: UnreadableUse, record: EventRecord, event: EventIdentity) -> UnreadableEvent:
    return UnreadableEvent(
        meter_id=use.meter_id,
        position=record.position,
        index=use.index,
        source=event.source,
        event_id=event.id,
        subject=event.subject,
        time=event.time,
        reason=use.reason,
        path=use.path,
    )
