"""Consumer of UsageRecorded: adds up one poll's batches and writes the rollups in the inbox's transaction."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from services.metering.meters.ports import MeterRepository, RegisteredMeters
from services.metering.rollups.accumulator import CompiledMeter, MeterInput, UsageAccumulator
from services.metering.rollups.ports import RollupStore
from shared.billing.contracts.ingest.usage import UsageRecorded
from shared.framework.eventstore.contracts import EventIsUnreadable, json_bytes
from shared.framework.eventstore.records import EventRecord
from shared.framework.eventstore.unit_of_work import UnitOfWork


class UsageBatch(msgspec.Struct, gc=False):
    """The part of UsageRecorded that is counted."""

    events: list[MeterInput]


_decoder = msgspec.json.Decoder(UsageBatch, float_hook=Decimal)


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
                usage.add(usage_in(record), [meter for after, meter in meters if after < record.position])
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


def usage_in(record: EventRecord) -> Iterable[MeterInput]:
    """The events of a stored batch, with exact numbers; EventIsUnreadable if its bytes are damaged."""
    try:
        return _decoder.decode(json_bytes(record.wire_name, record.state)).events
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise EventIsUnreadable(f"{record.stream_id}: {error}") from error
