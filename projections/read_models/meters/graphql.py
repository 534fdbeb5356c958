"""Meters as frontends see them."""

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from projections.engine.read_model import StoredRow
from projections.graphql.connections import Connection, connection
from projections.graphql.context import Info
from projections.read_models.meters.projection import METERS, MeterRow


@strawberry.type(description="How usage of one type is counted.")
class Meter:
    """See MeterRow."""

    id: strawberry.ID
    key: str
    event_type: str
    aggregation: str = strawberry.field(description="count, sum or unique_count")
    value_path: str | None
    group_by: list[str]
    filter: JSON = strawberry.field(description="Only events with one of these values at each path.")
    defined_at: datetime


def shown_meter(stored: StoredRow[MeterRow]) -> Meter:
    """A row, as GraphQL shows it."""
    row = stored.row
    return Meter(
        id=strawberry.ID(row.meter_id),
        key=row.key,
        event_type=row.event_type,
        aggregation=row.aggregation,
        value_path=row.value_path,
        group_by=list(row.group_by),
        filter=JSON({path: list(values) for path, values in row.filter.items()}),
        defined_at=row.defined_at,
    )


@strawberry.type
class MeterQueries:
    """What may be asked about meters."""

    @strawberry.field(description="In the order of their definition.")
    async def meters(
        self, info: Info, first: int = 20, after: str | None = None, key: str | None = None
    ) -> Connection[Meter]:
        """Meters of the tenant."""
        return await connection(info.context, METERS, shown_meter, first=first, after=after, key=key)
