"""GraphQL type of collections, reached through their invoice."""

from datetime import datetime

import strawberry

from projections.graphql.row_types import Money, of_row
from projections.read_models.collections.projection import COLLECTIONS


@of_row(COLLECTIONS)
class Collection:
    """The collection of an invoice."""

    id: strawberry.ID
    status: str = strawberry.field(description="open, completed, gave_up or cancelled")
    amount: Money
    attempt: int
    next_attempt_at: datetime | None
    reason: str | None
    started_at: datetime
    closed_at: datetime | None
    updated_at: datetime
