"""Entitlements: what a plan lets a customer use, and what several plans let a customer use together."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

import msgspec

EntitlementKind = Literal["boolean", "limit", "metered"]


class Entitlement(msgspec.Struct, frozen=True, kw_only=True):
    """A feature of a plan: switched on (boolean), up to a `limit`, or metered by `meter_key`.

    `limit` of a metered one: the usage that is allowed each billing period, None for any.
    """

    key: str
    kind: EntitlementKind
    limit: Decimal | None = None
    meter_key: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it has what its kind needs, and nothing else."""
        match self.kind:
            case "boolean":
                return self.limit is None and self.meter_key is None
            case "limit":
                return self.limit is not None and self.meter_key is None
            case "metered":
                return self.meter_key is not None


class EffectiveEntitlement(Entitlement, frozen=True, kw_only=True):
    """What a customer is entitled to by all its subscriptions together, and which of them say so."""

    subscription_ids: tuple[str, ...]


def effective_entitlements(
    by_subscription: Mapping[str, tuple[Entitlement, ...]],
) -> tuple[EffectiveEntitlement, ...]:
    """One entitlement for each key, kind and meter, sorted, with the highest limit; None is the highest."""
    found: dict[tuple[str, str, str], list[tuple[str, Entitlement]]] = {}
    for subscription_id, entitlements in sorted(by_subscription.items()):
        for one in entitlements:
            found.setdefault((one.key, one.kind, one.meter_key or ""), []).append((subscription_id, one))
    return tuple(_together(found[key]) for key in sorted(found))


def _together(given: list[tuple[str, Entitlement]]) -> EffectiveEntitlement:
    first = given[0][1]
    limits = [one.limit for _, one in given if one.limit is not None]
    return EffectiveEntitlement(
        key=first.key,
        kind=first.kind,
        limit=max(limits) if len(limits) == len(given) else None,
        meter_key=first.meter_key,
        subscription_ids=tuple(dict.fromkeys(subscription_id for subscription_id, _ in given)),
    )
