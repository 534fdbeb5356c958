"""Plans as frontends see them."""

from datetime import datetime
from typing import cast

import msgspec
import strawberry
from strawberry.scalars import JSON

from projections.engine.read_model import StoredRow
from projections.graphql.connections import Connection, connection
from projections.graphql.context import Info
from projections.read_models.plans.projection import PLANS, PlanRow, PlanVersion
from shared.billing.contracts.subscriptions.plans import Charge


@strawberry.type(name="PlanCharge", description="A price, and the meter that it is applied to.")
class PlanChargeType:
    """See Charge."""

    key: str
    name: str
    meter_key: str | None = strawberry.field(description="None: due once a period.")
    price: JSON = strawberry.field(description="`model` says which price it is; amounts are decimal strings.")


@strawberry.type(name="PlanVersion", description="Prices that never change.")
class PlanVersionType:
    """See PlanVersion."""

    version: int
    name: str
    currency: str
    interval: str
    charges: list[PlanChargeType]
    published_at: datetime


@strawberry.type(description="A plan and every version of its prices.")
class Plan:
    """See PlanRow."""

    id: strawberry.ID
    key: str
    versions: list[PlanVersionType]
    updated_at: datetime


def shown_plan(stored: StoredRow[PlanRow]) -> Plan:
    """A row, as GraphQL shows it."""
    return Plan(
        id=strawberry.ID(stored.row.plan_id),
        key=stored.row.key,
        versions=[_shown_version(version) for version in stored.row.versions],
        updated_at=stored.updated_at,
    )


def _shown_version(version: PlanVersion) -> PlanVersionType:
    return PlanVersionType(
        version=version.version,
        name=version.name,
        currency=version.currency,
        interval=version.interval,
        charges=[_shown_charge(charge) for charge in version.charges],
        published_at=version.published_at,
    )


def _shown_charge(charge: Charge) -> PlanChargeType:
    price = cast("JSON", msgspec.to_builtins(charge.price))
    return PlanChargeType(key=charge.key, name=charge.name, meter_key=charge.meter_key, price=price)


@strawberry.type
class PlanQueries:
    """What may be asked about plans."""

    @strawberry.field(description="In the order of their first version.")
    async def plans(
        self, info: Info, first: int = 20, after: str | None = None, key: str | None = None
    ) -> Connection[Plan]:
        """Plans of the tenant."""
        return await connection(info.context, PLANS, shown_plan, first=first, after=after, key=key)
