"""Collections as frontends see them: reached through their invoice."""

from datetime import datetime

import strawberry

from projections.engine.read_model import StoredRow
from projections.graphql.scalars import Money, money_type
from projections.read_models.collections.projection import CollectionRow


@strawberry.type(description="How the money of an invoice is being collected.")
class Collection:
    """See CollectionRow."""

    id: strawberry.ID
    status: str = strawberry.field(description="open, completed, gave_up or cancelled")
    amount: Money
    attempt: int
    next_attempt_at: datetime | None
    reason: str | None
    started_at: datetime
    closed_at: datetime | None
    updated_at: datetime


def shown_collection(stored: StoredRow[CollectionRow]) -> Collection:
    """A row, as GraphQL shows it."""
    row = stored.row
    return Collection(
        id=strawberry.ID(row.collection_id),
        status=row.status,
        amount=money_type(row.amount),
        attempt=row.attempt,
        next_attempt_at=row.next_attempt_at,
        reason=row.reason,
        started_at=row.started_at,
        closed_at=row.closed_at,
        updated_at=stored.updated_at,
    )
