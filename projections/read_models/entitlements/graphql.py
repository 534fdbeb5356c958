"""GraphQL type of entitlements, reached through their customer."""

from decimal import Decimal

import strawberry

from projections.engine.read_model import StoredRow
from projections.graphql.fields import Info
from projections.graphql.row_types import of_row
from projections.read_models.customers.projection import CustomerRow
from projections.read_models.entitlements.projection import ENTITLEMENTS
from shared.billing.entitlements import EffectiveEntitlement, effective_entitlements


@of_row(EffectiveEntitlement, name="Entitlement")
class EntitlementType:
    """What a customer may use by its running subscriptions together; of several limits the highest holds."""

    key: str
    kind: str = strawberry.field(description="boolean, limit, or metered.")
    limit: Decimal | None = strawberry.field(
        description="If metered, the usage of a billing period. Null: no limit."
    )
    meter_key: str | None
    subscription_ids: list[strawberry.ID]


async def _entitlements(root: StoredRow[CustomerRow], info: Info) -> list[EffectiveEntitlement]:
    """The effective entitlements; none without a row."""
    stored = await info.context.one(ENTITLEMENTS, root.id, linked=True)
    given = list(effective_entitlements(stored.row.by_subscription)) if stored else []
    await info.context.turn(len(given))
    return given


entitlements_of_customer = strawberry.field(
    resolver=_entitlements,
    graphql_type=list[EntitlementType],
    description="By key; the usage of a meter is in `usage`, and in `GET /v1/usage` of metering.",
)
