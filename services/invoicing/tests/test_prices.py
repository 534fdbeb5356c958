"""From a closed period and its reading to the invoice: a vector of each price, and the terms of a charge."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from services.invoicing.tests.harness import Harness
from services.invoicing.tests.scenarios import JANUARY, closed, quantity, reading
from shared.billing.contracts.invoicing.billing_runs import BillingRunFailed
from shared.billing.contracts.invoicing.invoices import InvoiceLine
from shared.billing.contracts.metering.readings import MeterQuantity
from shared.billing.contracts.subscriptions.plans import Charge, CurrencyPrice
from shared.billing.period import Period
from shared.billing.pricing import PerUnit, UnitConversion
from shared.billing.pricing.price_json import read_price

TIERS = [("100", "2", "10"), ("200", "1", "0"), (None, "0.5", "50")]
SLABS = [("10", "0.10", "0"), (None, "0.05", "0")]
CENT = {"model": "per_unit", "unit_price": "0.01"}


def tiers(rows: list[tuple[str | None, str, str]]) -> list[dict[str, str | None]]:
    """Tiers as JSON has them."""
    return [{"up_to": top, "unit_price": price, "flat_fee": fee} for top, price, fee in rows]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A price, the total of its usage with the parts that it needs, and the amount of the line."""

    price: dict[str, Any]
    total: str
    amount: int
    detail: str = "total"
    parts: tuple[str, ...] = ()


CASES = {
    "V16": Case(price={"model": "volume", "tiers": tiers(TIERS)}, total="100.5", amount=10050),
    "V13": Case(
        price={"model": "graduated", "tiers": tiers([("10", "10", "2"), (None, "5", "3")])},
        total="12",
        amount=11500,
    ),
    "V22": Case(
        price={"model": "package", "package_size": "10", "package_price": "100"}, total="121", amount=130000
    ),
    "V30": Case(
        price={
            "model": "percentage",
            "percent": "1.3",
            "fixed_fee": "2",
            "free_events": 3,
            "free_amount": "250",
        },
        total="800",
        amount=1115,
        detail="events",
        parts=("50", "100", "250", "400"),
    ),
    "V15": Case(
        price={
            "model": "graduated_percentage",
            "tiers": [
                {"up_to": "10", "percent": "1", "flat_fee": "200"},
                {"up_to": None, "percent": "2", "flat_fee": "300"},
            ],
        },
        total="12",
        amount=50014,
    ),
    "V40": Case(price={"model": "dynamic", "multiplier": "1.33333"}, total="10", amount=1333),
    "V63": Case(
        price={"model": "bucketed", "bucket": "day", "price": {"model": "volume", "tiers": tiers(SLABS)}},
        total="15",
        amount=165,
        detail="days",
        parts=("9", "15"),
    ),
    "V3": Case(
        price={
            "model": "custom_units",
            "unit": "credits",
            "decimal_places": 6,
            "unit_price": "1000",
            "price": {"model": "per_unit", "unit_price": "1"},
        },
        total="1.2345678",
        amount=123457,
    ),
    "stairs": Case(
        price={
            "model": "stairstep",
            "tiers": [{"up_to": "10", "amount": "5"}, {"up_to": None, "amount": "8"}],
        },
        total="10.001",
        amount=800,
    ),
}


def charge(price: dict[str, Any], **terms: Any) -> Charge:
    """A charge of the meter `calls`."""
    return Charge(key="calls", name="Calls", meter_key="calls", price=read_price(price), **terms)


async def billed(priced: Charge, *quantities: MeterQuantity, **period: Any) -> list[InvoiceLine]:
    """The lines of the invoice of January."""
    service = Harness()
    await service.deliver(closed(charges=(priced,), **period))
    await service.deliver(reading(*quantities, period=period.get("period", JANUARY)))
    [document] = await service.documents()
    return list(document.lines)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_usage_becomes_a_line_of_the_vectors_amount(case: Case) -> None:
    """With the sentence of its price, and steps that come to it."""
    parts = tuple(map(Decimal, case.parts))
    read = msgspec.structs.replace(quantity("calls", case.total), detail=case.detail, parts=parts)
    [line] = await billed(charge(case.price), read)
    assert line.amount.minor == case.amount
    assert line.sentence == charge(case.price).sentence("USD")
    for step in line.steps:
        assert step.quantity * step.unit_price + step.fee == step.amount


async def test_the_terms_of_a_charge_are_billed_in_their_order() -> None:
    """1400 are 2 thousands, one of them included; the other costs 1.00 of at least 5.00."""
    thousands = UnitConversion(operation="divide", factor=Decimal(1000), rounding="up")
    priced = charge(
        {"model": "per_unit", "unit_price": "1"},
        conversion=thousands,
        included=Decimal(1),
        minimum=Decimal(5),
    )
    [line] = await billed(priced, quantity("calls", "1400"))
    assert (line.quantity, line.amount.minor) == (Decimal(1400), 500)
    assert [step.description for step in line.steps] == [
        "converted: 1400 / 1000, rounded up to whole units = 2",
        "included units",
        "per unit",
        "minimum of 5",
    ]


async def test_the_minimum_of_a_charge_is_of_all_its_lines() -> None:
    """10 and 20 cents of at least 1.00; half of January, half of the minimum."""
    regions = [quantity("calls", "10", region="eu"), quantity("calls", "20", region="us")]
    priced = charge(CENT, minimum=Decimal(1))
    lines = await billed(priced, *regions)
    assert [(line.description, line.amount.minor) for line in lines] == [
        ("Calls (region=eu)", 10),
        ("Calls (region=us)", 20),
        ("Calls (minimum)", 70),
    ]
    assert len({line.line_id for line in lines}) == 3
    half = Period(JANUARY.start, JANUARY.start.replace(day=16, hour=12))
    [*_, last] = await billed(priced, *regions, period=half, full_period=JANUARY)
    assert last.steps[0].description == "minimum of 1, 15 of 31 days"
    assert last.amount.minor == 48 - 30


async def test_usage_without_a_price_fails_the_billing_run_and_names_the_values() -> None:
    """A matrix without a default; the run is retried with a price."""
    price = {
        "model": "matrix",
        "dimensions": ["region"],
        "cells": [{"values": {"region": "eu"}, "price": CENT}],
    }
    service = Harness()
    await service.deliver(closed(charges=(charge(price),)))
    await service.deliver(reading(quantity("calls", "5", region="mars")))
    [failed] = [event for event in await service.history() if isinstance(event, BillingRunFailed)]
    assert (failed.code, failed.reason) == ("matrix-has-no-price", "region=mars")
    [line] = await billed(charge(price | {"default": CENT}), quantity("calls", "5", region="mars"))
    assert line.amount.minor == 5


def test_a_charge_is_priced_in_the_currency_of_its_subscription() -> None:
    """With the bounds of that currency; conversion and included units stay."""
    euros = CurrencyPrice(price=PerUnit(unit_price=Decimal("0.02")), minimum=Decimal(3))
    priced = charge(CENT, included=Decimal(5), minimum=Decimal(4), currency_prices={"EUR": euros})
    assert priced.priced_in("EUR") == charge(
        {"model": "per_unit", "unit_price": "0.02"}, included=Decimal(5), minimum=Decimal(3)
    )
    assert priced.priced_in("USD") == charge(CENT, included=Decimal(5), minimum=Decimal(4))
