"""A row as it was: the same fold over the part of history that had happened by then."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from projections.engine.event_archive import History, until
from projections.engine.folding import facts_of, folded
from projections.engine.read_model import AnyModel, Stored
from shared.framework.eventstore.port import Record


async def as_it_was(
    history: History, model: AnyModel, tenant_id: str, row_id: str, as_of: datetime
) -> Stored[Any] | None:
    """The row at a moment of the tenant's clock; None when there was none, or the model keeps no past."""
    if model.source is None:
        return None
    wire_names = [event.wire_name for event in model.hears]
    records = await history.of(tenant_id, model.source(row_id), wire_names)
    return row_of(model, row_id, records, as_of)


def row_of(model: AnyModel, row_id: str, records: Sequence[Record], as_of: datetime) -> Stored[Any] | None:
    """The row that these records make, up to a moment."""
    return folded(model, row_id, facts_of(until(records, as_of)))
