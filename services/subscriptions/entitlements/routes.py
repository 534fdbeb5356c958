"""Response bodies of entitlements, and their route."""

from typing import Literal

from fastapi import APIRouter

from services.subscriptions.customers.decider import CUSTOMER, CustomerIsUnknown, registered
from services.subscriptions.entitlements.decider import ENTITLEMENTS, entitlements_id
from shared.billing.entitlements import effective_entitlements
from shared.framework.core.ids import has_prefix
from shared.framework.http.authorization import requires
from shared.framework.http.field_types import ApiModel, Identifier, NonNegativeDecimal
from shared.framework.http.reads import ReadDep


class EffectiveEntitlementBody(ApiModel):
    """A feature that a customer may use: switched on, up to `limit`, or metered; null is without a limit.

    `subscription_ids`: the subscriptions that give it; of several limits the highest holds.
    """

    key: str
    kind: Literal["boolean", "limit", "metered"]
    limit: NonNegativeDecimal | None
    meter_key: str | None
    subscription_ids: list[str]


class EntitlementList(ApiModel):
    """All that a customer is entitled to, by key."""

    customer_id: str
    items: list[EffectiveEntitlementBody]


def entitlement_reads() -> APIRouter:
    """The route that reads entitlements."""
    router = APIRouter(prefix="/v1", tags=["customers"])

    @router.get(
        "/customers/{customer_id}/entitlements", dependencies=[requires("customers:read", customers=True)]
    )
    async def get_entitlements(customer_id: Identifier, ctx: ReadDep) -> EntitlementList:
        """What a customer is entitled to by its running subscriptions together."""
        if not has_prefix("cus", customer_id) or not ctx.may_see(customer_id):
            raise CustomerIsUnknown(customer_id)
        registered(customer_id, await ctx.state(CUSTOMER, customer_id))
        given = await ctx.state(ENTITLEMENTS, entitlements_id(customer_id))
        items = [EffectiveEntitlementBody.of(one) for one in effective_entitlements(given)]
        return EntitlementList(customer_id=customer_id, items=items)

    return router
