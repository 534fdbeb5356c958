"""GraphQL type of plans, and root fields."""

from datetime import datetime
from decimal import Decimal
from typing import Self

import msgspec
import strawberry
from strawberry.scalars import JSON

from projections.graphql.fields import list_field
from projections.graphql.row_types import of_row
from projections.read_models.plans.projection import PLANS, PlanVersion
from shared.billing.contracts.subscriptions.plans import Charge
from shared.billing.entitlements import Entitlement
from shared.billing.pricing import Price, UnitConversion


class PriceInCurrency(msgspec.Struct, frozen=True, kw_only=True):
    """The price of a charge in one currency."""

    currency: str
    price: Price
    minimum: Decimal | None
    maximum: Decimal | None
    sentence: str

    @classmethod
    def of(cls, charge: Charge, currency: str) -> Self:
        """The price of a charge in one of its currencies."""
        priced = charge.priced_in(currency)
        return cls(
            currency=currency,
            price=priced.price,
            minimum=priced.minimum,
            maximum=priced.maximum,
            sentence=priced.sentence(currency),
        )


class PricedCharge(PriceInCurrency, frozen=True, kw_only=True):
    """A charge with its price in the currency of its plan, and those in others."""

    key: str
    name: str
    meter_key: str | None
    in_advance: bool
    one_off: bool
    seats: bool
    interval: str | None
    included: Decimal
    conversion: UnitConversion | None
    currency_prices: tuple[PriceInCurrency, ...]

    @classmethod
    def of(cls, charge: Charge, currency: str) -> Self:
        """The charge of a plan in this currency."""
        return cls(
            currency=currency,
            price=charge.price,
            minimum=charge.minimum,
            maximum=charge.maximum,
            sentence=charge.sentence(currency),
            key=charge.key,
            name=charge.name,
            meter_key=charge.meter_key,
            in_advance=charge.in_advance,
            one_off=charge.one_off,
            seats=charge.seats,
            interval=charge.interval,
            included=charge.included,
            conversion=charge.conversion,
            currency_prices=tuple(PriceInCurrency.of(charge, code) for code in charge.currency_prices),
        )


@of_row(UnitConversion, name="UnitConversion")
class UnitConversionType:
    """What a meter counts, multiplied or divided by `factor`, then rounded to `decimalPlaces` or not."""

    operation: str
    factor: Decimal
    rounding: str | None = strawberry.field(description="up, down or half_up; null: exact.")
    decimal_places: int


@of_row(PriceInCurrency, name="PlanCurrencyPrice")
class PlanCurrencyPriceType:
    """The price of a charge in another currency than that of its plan."""

    currency: str
    price: JSON
    minimum: Decimal | None
    maximum: Decimal | None
    sentence: str


@of_row(PricedCharge, name="PlanCharge")
class PlanChargeType:
    """A charge: a price, and the meter whose usage it is applied to."""

    key: str
    name: str
    meter_key: str | None = strawberry.field(description="Null: a flat fee, due once per period.")
    price: JSON = strawberry.field(description="`model` is the price model; amounts are decimal strings.")
    in_advance: bool = strawberry.field(description="Due at the start of its period.")
    one_off: bool = strawberry.field(description="Due once.")
    seats: bool = strawberry.field(description="Due for each of the subscription's seats.")
    interval: str | None = strawberry.field(description="Its period; null: that of the plan.")
    included: Decimal = strawberry.field(description="Units, after conversion, that are free in a period.")
    conversion: UnitConversionType | None
    minimum: Decimal | None = strawberry.field(description="What the usage of a period comes to at least.")
    maximum: Decimal | None = strawberry.field(description="What the usage of a period comes to at most.")
    currency_prices: list[PlanCurrencyPriceType]
    sentence: str = strawberry.field(description="The price and its terms in plain words.")


def _charges(root: PlanVersion) -> list[PricedCharge]:
    return [PricedCharge.of(charge, root.currency) for charge in root.charges]


@of_row(Entitlement, name="PlanEntitlement")
class PlanEntitlementType:
    """What subscriptions to a plan may use."""

    key: str
    kind: str = strawberry.field(description="boolean, limit, or metered.")
    limit: Decimal | None
    meter_key: str | None


@of_row(PlanVersion, name="PlanVersion")
class PlanVersionType:
    """One version of a plan; its prices never change."""

    version: int
    name: str
    currency: str
    interval: str
    proration: str = strawberry.field(description="How a part of a period is billed: day, second or none.")
    trial: str | None = strawberry.field(description="How long a new subscription is free.")
    at_trial_end: str = strawberry.field(description="What happens then: bill, cancel or pause.")
    charges = strawberry.field(
        resolver=_charges, graphql_type=list[PlanChargeType], description="In the plan's order."
    )
    entitlements: list[PlanEntitlementType]
    published_at: datetime


@of_row(PLANS)
class Plan:
    """A plan and every version of its prices."""

    id: strawberry.ID
    key: str
    versions: list[PlanVersionType]
    updated_at: datetime


@strawberry.type
class PlanQueries:
    """Root fields."""

    plans = list_field(Plan, "In order of their first version.", filters=["key"])
