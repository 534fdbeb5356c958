"""GraphQL type of collections, reached through their invoice."""

from datetime import datetime

import strawberry

from projections.graphql.row_types import Money, of_row, words
from projections.read_models.collections.projection import COLLECTIONS, CollectionStatus

words(CollectionStatus)


@of_row(COLLECTIONS)
class Collection:
    """The collection of an invoice."""

    id: strawberry.ID
    status: CollectionStatus
    amount: Money
    attempt: int = strawberry.field(description="The last one that was started or scheduled.")
    manual: bool = strawberry.field(description="Whether that attempt is outside the schedule.")
    next_attempt_at: datetime | None = strawberry.field(
        description="Null while an attempt is open, also while its outcome is unknown."
    )
    reason: str | None
    started_at: datetime
    closed_at: datetime | None
    updated_at: datetime
