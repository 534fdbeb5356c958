"""GraphQL type of meters, and root fields."""

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from projections.graphql.fields import list_field
from projections.graphql.row_types import of_row
from projections.read_models.meters.projection import METERS

INT_MAX = 2**31 - 1
"""The largest GraphQL Int; a larger count is shown as this."""


@of_row(METERS)
class Meter:
    """A meter: how usage events of one type are aggregated."""

    id: strawberry.ID
    key: str
    event_type: str
    aggregation: str = strawberry.field(description="count, sum, max or unique_count")
    value_path: str | None
    group_by: list[str]
    filter: JSON = strawberry.field(
        description="Only events with one of these values at each path are counted."
    )
    defined_at: datetime
    unreadable_count: int = strawberry.field(
        resolver=lambda root: min(root.row.unreadable_count, INT_MAX),
        description="Events that the meter could not read and does not count. Metering lists them.",
    )


@strawberry.type
class MeterQueries:
    """Root fields."""

    meters = list_field(Meter, "In order of definition.", filters=["key"])
