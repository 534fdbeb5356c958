"""Refunds as frontends see them: reached through their payment."""

from datetime import datetime

import strawberry

from projections.engine.read_model import StoredRow
from projections.graphql.scalars import Money, money_type
from projections.read_models.refunds.projection import RefundRow


@strawberry.type(description="Money that goes back.")
class Refund:
    """See RefundRow."""

    id: strawberry.ID
    status: str = strawberry.field(description="requested or issued")
    amount: Money
    reason: str | None
    gateway_reference: str | None
    requested_at: datetime | None
    issued_at: datetime | None


def shown_refund(stored: StoredRow[RefundRow]) -> Refund:
    """A row, as GraphQL shows it."""
    row = stored.row
    return Refund(
        id=strawberry.ID(row.refund_id),
        status=row.status,
        amount=money_type(row.amount),
        reason=row.reason,
        gateway_reference=row.gateway_reference,
        requested_at=row.requested_at,
        issued_at=row.issued_at,
    )
