"""GraphQL type of refunds, reached through their payment."""

from datetime import datetime

import strawberry

from projections.graphql.row_types import Money, of_row, words
from projections.read_models.refunds.projection import REFUNDS, RefundStatus

words(RefundStatus)


@of_row(REFUNDS)
class Refund:
    """A refund of a payment."""

    id: strawberry.ID
    status: RefundStatus
    amount: Money
    reason: str | None
    gateway_reference: str | None
    requested_at: datetime | None
    issued_at: datetime | None
