"""The entitlements of one customer, by subscription."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.billing.contracts.subscriptions.entitlements import EntitlementsChanged
from shared.billing.entitlements import Entitlement
from shared.framework.core.decider import Decider
from shared.framework.core.ids import derived_id


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantEntitlements:
    """Let a subscription give its customer these entitlements; none takes away what it gave."""

    customer_id: str
    subscription_id: str
    entitlements: tuple[Entitlement, ...]
    now: datetime


CustomerEntitlements = dict[str, tuple[Entitlement, ...]]
"""The entitlements of a customer by subscription, of subscriptions that give any."""


def entitlements_id(customer_id: str) -> str:
    """The stream of a customer's entitlements."""
    return derived_id("ent", customer_id)


def decide(state: CustomerEntitlements, command: GrantEntitlements) -> Sequence[EntitlementsChanged]:
    """The change; nothing if the subscription gives these already."""
    if state.get(command.subscription_id, ()) == command.entitlements:
        return []
    return [
        EntitlementsChanged(
            customer_id=command.customer_id,
            subscription_id=command.subscription_id,
            entitlements=command.entitlements,
            changed_at=command.now,
        )
    ]


def evolve(state: CustomerEntitlements, event: EntitlementsChanged) -> CustomerEntitlements:
    """The state after an event."""
    others = {key: given for key, given in state.items() if key != event.subscription_id}
    return others | {event.subscription_id: event.entitlements} if event.entitlements else others


ENTITLEMENTS: Decider[CustomerEntitlements, GrantEntitlements, EntitlementsChanged] = Decider(
    {}, decide, evolve
)
