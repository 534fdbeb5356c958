"""Usage as frontends see it."""

from datetime import datetime
from decimal import Decimal

import strawberry
from strawberry.scalars import JSON

from projections.engine.read_model import StoredRow
from projections.graphql.connections import Connection, connection
from projections.graphql.context import Info
from projections.graphql.scalars import From, To, without_exponent
from projections.read_models.usage.projection import USAGE, UsageRow


@strawberry.type(description="What one meter counted for one subject and dimensions on one UTC day.")
class UsageDay:
    """See UsageRow."""

    id: strawberry.ID
    meter_key: str
    subject: str
    dimensions: JSON
    day: str
    value: Decimal
    updated_at: datetime


def shown_usage(stored: StoredRow[UsageRow]) -> UsageDay:
    """A row, as GraphQL shows it."""
    row = stored.row
    return UsageDay(
        id=strawberry.ID(stored.id),
        meter_key=row.meter_key,
        subject=row.subject,
        dimensions=JSON(row.dimensions),
        day=row.day,
        value=without_exponent(row.value),
        updated_at=stored.updated_at,
    )


@strawberry.type
class UsageQueries:
    """What may be asked about usage."""

    @strawberry.field(description="By day. Distinct counts of days do not add up to a month's.")
    async def usage(
        self,
        info: Info,
        first: int = 20,
        after: str | None = None,
        meter: str | None = None,
        subject: str | None = None,
        since: From = None,
        until: To = None,
    ) -> Connection[UsageDay]:
        """Daily usage of the tenant."""
        return await connection(
            info.context,
            USAGE,
            shown_usage,
            first=first,
            after=after,
            since=since,
            until=until,
            meter_key=meter,
            subject=subject,
        )
