"""Bodies of charges: their prices in any currency, and the terms of usage."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema

from shared.billing.contracts.subscriptions.plans import Charge, CurrencyPrice
from shared.billing.pricing import UnitConversion
from shared.billing.pricing.price_json import PRICE_SCHEMA, read_price
from shared.framework.core.decimals import to_json
from shared.framework.http.field_types import (
    ApiModel,
    CurrencyCode,
    Identifier,
    NonNegativeDecimal,
    ShortText,
)

Duration = Annotated[
    str, Field(max_length=32, examples=["P1M"], description="ISO 8601, whole calendar units")
]

PriceBody = Annotated[Any, PlainValidator(read_price), PlainSerializer(to_json), WithJsonSchema(PRICE_SCHEMA)]
"""A price of any model in the register of shared.billing.pricing; its field `model` names the model."""


class ConversionBody(ApiModel):
    """What is counted, times or divided by `factor`, then rounded to `decimal_places` (-2: to hundreds)."""

    operation: Literal["multiply", "divide"]
    factor: NonNegativeDecimal
    rounding: Literal["up", "down", "half_up"] | None = None
    decimal_places: Annotated[int, Field(ge=-12, le=12)] = 0


class CurrencyPriceBody(ApiModel):
    """The price of a charge in another currency, and the bounds of what its usage comes to in a period."""

    price: PriceBody
    minimum: NonNegativeDecimal | None = None
    maximum: NonNegativeDecimal | None = None


class NewCharge(ApiModel):
    """A charge of a plan; `meter_key` names its meter, null for a fee.

    A fee is due at the end of each period, or at its start (`in_advance`), or once (`one_off`); for each of
    the subscription's `seats`; for periods of another `interval`, a multiple of the plan's.
    Of a charge of usage: `conversion` makes units of what the meter counts; the first `included` units of a
    period are free; all usage of a period comes to at least `minimum` and at most `maximum`, in major units.
    `currency_prices`: prices in other currencies than the plan's; all charges of a plan need the same ones.
    """

    key: Identifier
    name: ShortText
    price: PriceBody
    meter_key: Identifier | None = None
    in_advance: bool = False
    one_off: bool = False
    seats: bool = False
    interval: Duration | None = None
    included: NonNegativeDecimal = Decimal(0)
    conversion: ConversionBody | None = None
    minimum: NonNegativeDecimal | None = None
    maximum: NonNegativeDecimal | None = None
    currency_prices: Annotated[dict[CurrencyCode, CurrencyPriceBody], Field(max_length=50)] = Field(
        default_factory=dict, json_schema_extra={"additionalProperties": False}
    )

    def charge(self) -> Charge:
        """The charge of this body."""
        prices = {code: CurrencyPrice(**dict(price)) for code, price in self.currency_prices.items()}
        conversion = None if self.conversion is None else UnitConversion(**dict(self.conversion))
        return Charge(**dict(self) | {"conversion": conversion, "currency_prices": prices})
