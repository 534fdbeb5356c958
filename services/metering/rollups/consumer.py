"""Usage heard is usage counted: a poll's batches become one tally, in the transaction of the inbox."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from services.metering.meters.ports import MeterBook, MeterEntry
from services.metering.rollups.accumulator import Gauge, Tally, Usage
from services.metering.rollups.ports import RollupStore
from shared.billing.contracts.ingest.usage import UsageRecorded
from shared.framework.eventstore.codec import EventIsUnreadable, plain
from shared.framework.eventstore.port import Record
from shared.framework.eventstore.unit_of_work import UnitOfWork


class UsageBatch(msgspec.Struct, gc=False):
    """Of UsageRecorded, what is counted."""

    events: list[Usage]


_decoder = msgspec.json.Decoder(UsageBatch, float_hook=Decimal)


class UsageFolder:
    """The handler of ingest's facts."""

    def __init__(self, book: MeterBook, rollups: RollupStore) -> None:
        """Count by the meters of the book, into these rollups."""
        self._book = book
        self._rollups = rollups

    async def __call__(self, unit: UnitOfWork, records: Sequence[Record]) -> None:
        """Count everything in these records by the meters that have joined, if no other joins meanwhile."""
        entries = await self._book.all()
        gauges = _gauges_of(entries)
        tally = Tally()
        for record in records:
            if record.wire_name == UsageRecorded.wire_name:
                mine = gauges.get(record.tenant_id, ())
                tally.add(usage_in(record), [gauge for since, gauge in mine if since < record.position])
        unit.changes.effects.append(self._book.still(entries))
        effect = await self._rollups.record(tally)
        if effect is not None:
            unit.changes.effects.append(effect)


def _gauges_of(entries: Sequence[MeterEntry]) -> Mapping[str, Sequence[tuple[int, Gauge]]]:
    """By tenant, each with the position beyond which it counts."""
    gauges: defaultdict[str, list[tuple[int, Gauge]]] = defaultdict(list)
    for entry in entries:
        if entry.joined_from is not None:
            gauges[entry.tenant_id].append((entry.joined_from, Gauge.of(entry.tenant_id, entry.meter)))
    return gauges


def usage_in(record: Record) -> Iterable[Usage]:
    """The events of a stored batch, with numbers exact; EventIsUnreadable if its bytes are damaged."""
    try:
        return _decoder.decode(plain(record.wire_name, record.state)).events
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise EventIsUnreadable(f"{record.stream_id}: {error}") from error
