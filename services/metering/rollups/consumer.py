"""Usage heard is usage counted: a poll's batches become one tally, in the transaction of the inbox."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from services.metering.meters.ports import MeterRepository, RegisteredMeter
from services.metering.rollups.accumulator import CompiledMeter, MeterInput, UsageAccumulator
from services.metering.rollups.ports import RollupStore
from shared.billing.contracts.ingest.usage import UsageRecorded
from shared.framework.eventstore.contracts import EventIsUnreadable, json_bytes
from shared.framework.eventstore.records import EventRecord
from shared.framework.eventstore.unit_of_work import UnitOfWork


class UsageBatch(msgspec.Struct, gc=False):
    """Of UsageRecorded, what is counted."""

    events: list[MeterInput]


_decoder = msgspec.json.Decoder(UsageBatch, float_hook=Decimal)


class RollupConsumer:
    """The handler of ingest's facts."""

    def __init__(self, book: MeterRepository, rollups: RollupStore) -> None:
        """Count by the meters of the book, into these rollups."""
        self._book = book
        self._rollups = rollups

    async def __call__(self, unit: UnitOfWork, records: Sequence[EventRecord]) -> None:
        """Count everything in these records by the meters that have joined, if no other joins meanwhile."""
        entries = await self._book.all()
        gauges = _compiled_meters(entries)
        tally = UsageAccumulator()
        for record in records:
            if record.wire_name == UsageRecorded.wire_name:
                mine = gauges.get(record.tenant_id, ())
                tally.add(usage_in(record), [gauge for since, gauge in mine if since < record.position])
        unit.changes.side_writes.append(self._book.assert_unchanged(entries))
        effect = await self._rollups.record(tally)
        if effect is not None:
            unit.changes.side_writes.append(effect)


def _compiled_meters(entries: Sequence[RegisteredMeter]) -> Mapping[str, Sequence[tuple[int, CompiledMeter]]]:
    """By tenant, each with the position beyond which it counts."""
    gauges: defaultdict[str, list[tuple[int, CompiledMeter]]] = defaultdict(list)
    for entry in entries:
        if entry.joined_from is not None:
            gauges[entry.tenant_id].append(
                (entry.joined_from, CompiledMeter.of(entry.tenant_id, entry.meter))
            )
    return gauges


def usage_in(record: EventRecord) -> Iterable[MeterInput]:
    """The events of a stored batch, with numbers exact; EventIsUnreadable if its bytes are damaged."""
    try:
        return _decoder.decode(json_bytes(record.wire_name, record.state)).events
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise EventIsUnreadable(f"{record.stream_id}: {error}") from error
