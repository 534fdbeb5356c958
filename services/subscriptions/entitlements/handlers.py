"""The entitlements that a subscription gives, in the transaction that changes it."""

from services.subscriptions.entitlements.decider import ENTITLEMENTS, GrantEntitlements, entitlements_id
from services.subscriptions.plans.decider import PLAN
from shared.billing.entitlements import Entitlement
from shared.framework.eventstore.unit_of_work import Session


async def grant_entitlements(
    session: Session, customer_id: str, subscription_id: str, plan_version: tuple[str, int] | None
) -> None:
    """Give a customer the entitlements of the plan version (id, number) that its subscription runs by.

    None: it does not run, and gives nothing.
    """
    entitlements: tuple[Entitlement, ...] = ()
    if plan_version is not None:
        plan_id, number = plan_version
        entitlements = (await session.state(PLAN, plan_id)).version(number).entitlements
    grant = GrantEntitlements(
        customer_id=customer_id,
        subscription_id=subscription_id,
        entitlements=entitlements,
        now=session.now,
    )
    await session.handle(ENTITLEMENTS, entitlements_id(customer_id), grant)
