"""GraphQL type of daily usage, and root fields."""

from datetime import datetime
from decimal import Decimal

import strawberry
from strawberry.scalars import JSON

from projections.graphql.fields import list_field
from projections.graphql.row_types import of_row
from projections.read_models.usage.projection import USAGE


@of_row(USAGE)
class UsageDay:
    """Usage of one meter, subject and dimensions on one UTC day."""

    id: strawberry.ID
    meter_key: str
    subject: str
    dimensions: JSON
    day: str
    value: Decimal
    updated_at: datetime


@strawberry.type
class UsageQueries:
    """Root fields."""

    usage = list_field(
        UsageDay,
        "Per UTC day. Unique counts of days do not add up to a unique count of a month.",
        filters={"meter": "meter_key", "subject": "subject"},
        timed=True,
    )
