"""A row as it was: the same fold over the part of history that had happened by then."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from projections.engine.event_archive import EventArchive, cut_at
from projections.engine.folding import facts_of, fold_row
from projections.engine.read_model import AnyModel, StoredRow
from shared.framework.eventstore.records import EventRecord


async def row_as_of(
    history: EventArchive, model: AnyModel, tenant_id: str, row_id: str, as_of: datetime
) -> StoredRow[Any] | None:
    """The row at a moment of the tenant's clock; None when there was none, or the model keeps no past."""
    if model.source is None:
        return None
    wire_names = [event.wire_name for event in model.events]
    records = await history.of(tenant_id, model.source(row_id), wire_names)
    return row_of(model, row_id, records, as_of)


def row_of(
    model: AnyModel, row_id: str, records: Sequence[EventRecord], as_of: datetime
) -> StoredRow[Any] | None:
    """The row that these records make, up to a moment."""
    return fold_row(model, row_id, facts_of(cut_at(records, as_of), [model]))
