"""A row as of an instant: the model's fold over the archived events up to then."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from projections.engine.event_archive import EventArchive
from projections.engine.projector import decoded_events, fold_row
from projections.engine.read_model import AnyModel, StoredRow
from shared.framework.eventstore.records import EventRecord


async def row_as_of(
    archive: EventArchive, model: AnyModel, tenant_id: str, row_id: str, as_of: datetime
) -> StoredRow[Any] | None:
    """The row at an instant of the tenant's clock; None if there was none, or the model has no `source`."""
    if model.source is None:
        return None
    wire_names = [event.wire_name for event in model.events]
    records = await archive.records(tenant_id, model.source(row_id), wire_names)
    return fold_row(model, row_id, await decoded_events(cut_at(records, as_of), [model]))


def cut_at(records: Sequence[EventRecord], as_of: datetime) -> list[EventRecord]:
    """The records up to an instant, by context and position.

    Each stream ends before its first event after the instant: a later event of the stream may have an earlier
    `occurred_at`, and a stream is never folded with a gap.
    """
    ended: set[tuple[str, str]] = set()
    kept = []
    for record in sorted(records, key=lambda record: (record.context, record.position)):
        stream = (record.context, record.stream_id)
        if record.metadata.occurred_at > as_of:
            ended.add(stream)
        if stream not in ended:
            kept.append(record)
    return kept
