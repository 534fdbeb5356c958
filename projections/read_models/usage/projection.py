"""Usage, one row for each meter, subject, dimensions and UTC day: the newest total published by metering."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain
from typing import Any

import msgspec

from projections.engine.read_model import DecodedEvent, OwnerLookup, ReadModel
from projections.read_models.customers.projection import CUSTOMERS
from shared.billing.contracts.metering.usage_totals import UsageAggregated, UsageWindow
from shared.framework.core.ids import derived_id


class UsageRow(msgspec.Struct, frozen=True, kw_only=True):
    """The total of one window; `told_by` is the position of the event that has published it."""

    meter_key: str
    subject: str
    dimensions: dict[str, str]
    day: str
    value: Decimal
    told_by: int


def parts(decoded: DecodedEvent) -> Iterable[tuple[str, UsageWindow]]:
    """One row for each window of the event."""
    event: Any = decoded.event
    return ((_row_id(window), window) for window in event.windows)


def fold(row: UsageRow | None, window: UsageWindow, decoded: DecodedEvent) -> UsageRow:
    """The total of the event at the highest position, in whatever order events are consumed."""
    if row is not None and row.told_by > decoded.position:
        return row
    return UsageRow(
        meter_key=window.meter_key,
        subject=window.subject,
        dimensions=dict(sorted(window.dimensions.items())),
        day=window.day,
        value=window.value,
        told_by=decoded.position,
    )


def _row_id(window: UsageWindow) -> str:
    dimensions = chain.from_iterable(sorted(window.dimensions.items()))
    return derived_id("uwin", window.meter_key, window.subject, window.day, *dimensions)


USAGE = ReadModel(
    name="usage",
    version=2,
    row=UsageRow,
    events=(UsageAggregated,),
    targets=parts,
    fold=fold,
    sorted_by=lambda row: datetime.fromisoformat(row.day).replace(tzinfo=UTC),
    filters=("meter_key", "subject", "day"),
    owner="subject",
    owner_of=OwnerLookup(CUSTOMERS, lambda customer: customer.external_id),
)
