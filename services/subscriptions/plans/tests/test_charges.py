"""Charges over HTTP: every price and all terms are read back as sent, and refused at their field."""

from typing import Any

import msgspec
import pytest

from services.subscriptions.tests.harness import CALLS, CALLS_METER, CUSTOMER, FEE, PLAN, Harness
from services.subscriptions.tests.scenarios import NOON
from shared.framework.testing.event_records import deliver, event_record

ONE = {"model": "per_unit", "unit_price": "0.02"}
TIERS: list[dict[str, Any]] = [
    {"up_to": "10", "unit_price": "1", "flat_fee": "0"},
    {"up_to": None, "unit_price": "2", "flat_fee": "3"},
]
STAIRS = [{"up_to": "10", "amount": "5"}, {"up_to": None, "amount": "9"}]
SHARES = [{"up_to": None, "percent": "2.5", "flat_fee": "0"}]
CELLS = [{"values": {"region": "eu"}, "price": ONE}]
PERCENTAGE = {
    "model": "percentage",
    "percent": "1.3",
    "fixed_fee": "2.00",
    "free_events": 3,
    "free_amount": "250",
    "event_minimum": None,
    "event_maximum": "9",
}
MATRIX = {"model": "matrix", "dimensions": ["region"], "cells": CELLS, "default": None}
CREDITS = {
    "model": "custom_units",
    "unit": "credits",
    "decimal_places": 2,
    "unit_price": "0.01",
    "price": ONE,
}
PRICES: list[dict[str, Any]] = [
    ONE,
    {"model": "graduated", "tiers": TIERS, "flat_at_zero": True},
    {"model": "volume", "tiers": TIERS, "flat_at_zero": False},
    {"model": "stairstep", "tiers": STAIRS, "flat_at_zero": True},
    {"model": "package", "package_size": "100", "package_price": "2.50"},
    {"model": "graduated_percentage", "tiers": SHARES, "flat_at_zero": True},
    {"model": "dynamic", "multiplier": "1.2"},
    {"model": "bucketed", "bucket": "day", "price": ONE},
    PERCENTAGE,
    MATRIX,
    CREDITS,
    CREDITS | {"price": MATRIX},
]
NO_BOUNDS = {"minimum": None, "maximum": None}
NO_TERMS: dict[str, Any] = {"included": "0", "conversion": None, **NO_BOUNDS, "currency_prices": {}}
TERMS = {
    "included": "500",
    "conversion": {"operation": "divide", "factor": "1000", "rounding": "up", "decimal_places": 0},
    "minimum": "10.00",
    "maximum": "99.99",
    "currency_prices": {"USD": {"price": ONE, "minimum": "11", "maximum": None}},
}


async def service_with_regions() -> Harness:
    """A service that has the meter `calls`, grouped by region."""
    service = Harness()
    meter = msgspec.structs.replace(CALLS_METER, group_by=("region",))
    await deliver(service.store, service.handler, event_record(meter, NOON))
    return service


@pytest.mark.parametrize("price", PRICES, ids=lambda price: price["model"])
async def test_every_price_can_be_published_and_is_read_back(price: dict[str, Any]) -> None:
    """As it was sent, with what was left out at its default."""
    service = await service_with_regions()
    await service.post_ok("/v1/plans", PLAN | {"charges": [CALLS | {"price": price}]})
    [charge] = (await service.get("/v1/plans/pro")).json()["charges"]
    assert charge == {**charge, **CALLS, **NO_TERMS, "price": price}


async def test_the_terms_of_a_charge_are_read_back() -> None:
    """What is read can be posted again, which publishes nothing new."""
    service = await service_with_regions()
    await service.post_ok("/v1/plans", PLAN | {"charges": [CALLS | TERMS]})
    plan = (await service.get("/v1/plans/pro")).json()
    [charge] = plan["charges"]
    assert charge == charge | TERMS
    again = await service.post_ok("/v1/plans", PLAN | {"charges": [charge]})
    assert again["version"] == plan["version"] == 1


def _price(**change: Any) -> dict[str, Any]:
    return CALLS | {"price": change}


OVERLAPPING = [{"up_to": "10", "unit_price": "0.02"}, {"up_to": "5", "unit_price": "0.02"}, TIERS[1]]
REFUSED: list[tuple[dict[str, Any], int, str, str]] = [
    (_price(model="volume", tiers=OVERLAPPING), 400, "tiers-invalid", "price/tiers/1/up_to"),
    (_price(model="stairstep", tiers=STAIRS[:1]), 400, "tiers-invalid", "price/tiers/0/up_to"),
    (_price(model="per_unit", unit_price="1" * 40), 400, "request-invalid", "price/unit_price"),
    (_price(model="volume", tiers=TIERS[1:], fee="1"), 400, "request-invalid", "price/fee"),
    (
        _price(model="package", package_size="0", package_price="1"),
        400,
        "price-invalid",
        "price/package_size",
    ),
    (_price(**PERCENTAGE | {"free_events": -1}), 400, "price-invalid", "price/free_events"),
    (_price(**PERCENTAGE | {"event_minimum": "10"}), 400, "price-invalid", "price/event_maximum"),
    (_price(model="bucketed", bucket="week", price=ONE), 400, "request-invalid", "price/bucket"),
    (_price(model="bucketed", bucket="day", price=PERCENTAGE), 400, "request-invalid", "price/price/model"),
    (
        _price(**MATRIX | {"cells": [CELLS[0], CELLS[0]]}),
        400,
        "matrix-invalid",
        "price/cells/1/values",
    ),
    (
        _price(model="matrix", dimensions=["zone"], cells=[{"values": {"zone": "1"}, "price": ONE}]),
        422,
        "price-dimension-unknown",
        "price",
    ),
    (_price(**CREDITS | {"decimal_places": 13}), 400, "price-invalid", "price/decimal_places"),
    (CALLS | {"included": "-1"}, 400, "request-invalid", "included"),
    (CALLS | {"price": PERCENTAGE, "included": "5"}, 400, "included-units-of-events", "included"),
    (CALLS | {"minimum": "5", "maximum": "4"}, 400, "charge-maximum-below-minimum", "maximum"),
    (CALLS | {"minimum": "1" * 40}, 400, "request-invalid", "minimum"),
    (FEE | {"minimum": "5"}, 400, "charge-terms-need-meter", "minimum"),
    (
        CALLS | {"conversion": {"operation": "divide", "factor": "3"}},
        400,
        "conversion-needs-rounding",
        "conversion/rounding",
    ),
    (
        CALLS | {"currency_prices": {"USD": {"price": FEE["price"]}}},
        400,
        "currency-price-does-not-fit",
        "currency_prices/USD/price",
    ),
    (
        CALLS | {"currency_prices": {"EUR": {"price": ONE}}},
        400,
        "currency-price-does-not-fit",
        "currency_prices/EUR",
    ),
    (CALLS | {"currency_prices": {"EUX": {"price": ONE}}}, 400, "currency-unknown", "currency_prices/EUX"),
]


@pytest.mark.parametrize(("charge", "status", "code", "field"), REFUSED)
async def test_a_charge_that_could_not_be_billed_is_refused_at_its_field(
    charge: dict[str, Any], status: int, code: str, field: str
) -> None:
    """By name, with nothing published."""
    service = await service_with_regions()
    before = len(await service.records())
    response = await service.post("/v1/plans", PLAN | {"charges": [charge]})
    problem = response.json()
    assert (response.status_code, problem["code"]) == (status, code), response.text
    assert [error["pointer"] for error in problem["errors"]] == [f"/body/charges/0/{field}"]
    assert len(await service.records()) == before


async def test_a_plan_has_all_its_currencies_on_every_charge_and_keeps_them() -> None:
    """Else a customer would be billed by half of a plan, or a new version could not be migrated to."""
    service = await service_with_regions()
    dollars = {"USD": {"price": {"model": "flat", "amount": "50"}}}
    both = [FEE | {"currency_prices": dollars}, CALLS | {"currency_prices": {"USD": {"price": ONE}}}]
    missing = await service.post("/v1/plans", PLAN | {"charges": [both[0], CALLS]})
    assert missing.json()["code"] == "charge-currency-missing"
    assert missing.json()["errors"][0]["pointer"] == "/body/charges/1/currency_prices"
    await service.post_ok("/v1/plans", PLAN | {"charges": both})
    lost = await service.post("/v1/plans", PLAN | {"charges": [FEE, CALLS]})
    assert (lost.status_code, lost.json()["code"]) == (409, "plan-currency-lost")
    assert lost.json()["errors"][0]["pointer"] == "/body/currency"


async def test_a_customer_is_billed_in_its_own_currency_of_the_plan() -> None:
    """The subscription has the prices of that currency; another version is taken in the same one."""
    service = await service_with_regions()
    dollars = {"USD": {"price": ONE | {"unit_price": "0.03"}, "minimum": "5", "maximum": None}}
    plan = PLAN | {"charges": [CALLS | {"price": ONE, "minimum": "4", "currency_prices": dollars}]}
    await service.post_ok("/v1/plans", plan)
    customer = await service.post_ok("/v1/customers", CUSTOMER | {"currency": "USD"})
    body = {"customer_id": customer["customer_id"], "plan_key": "pro"}
    started = await service.post_ok("/v1/subscriptions", body)
    subscription = (await service.get(f"/v1/subscriptions/{started['subscription_id']}")).json()
    [charge] = subscription["charges"]
    assert (charge["price"]["unit_price"], charge["minimum"]) == ("0.03", "5")
    assert charge["currency_prices"] == {}
    await service.post_ok("/v1/plans", plan | {"name": "Pro 2"})
    change = f"/v1/subscriptions/{started['subscription_id']}/change"
    response = await service.post(change, {"plan_key": "pro", "plan_version": 2})
    assert response.status_code == 200, response.text
    subscription = (await service.get(f"/v1/subscriptions/{started['subscription_id']}")).json()
    assert subscription["plan_version"] == 2
    assert subscription["charges"][0]["price"]["unit_price"] == "0.03"


async def test_a_price_of_seats_is_of_their_number() -> None:
    """They are not counted by a meter: no events, buckets or dimensions, and no included units."""
    service = await service_with_regions()
    seats = {"key": "seats", "name": "Seats", "seats": True}
    for charge, code, field in [
        (seats | {"price": PERCENTAGE}, "price-needs-usage", "price"),
        (seats | {"price": MATRIX}, "price-needs-usage", "price"),
        (seats | {"price": ONE, "included": "5"}, "charge-terms-need-meter", "included"),
    ]:
        response = await service.post("/v1/plans", PLAN | {"charges": [charge]})
        assert response.json()["code"] == code, response.text
        assert response.json()["errors"][0]["pointer"] == f"/body/charges/0/{field}"
    volume = {"model": "volume", "tiers": TIERS}
    await service.post_ok("/v1/plans", PLAN | {"charges": [seats | {"price": volume}]})


async def test_a_price_of_events_needs_a_meter_with_numbers() -> None:
    """A meter that only tells values apart has none."""
    service = Harness()
    meter = msgspec.structs.replace(CALLS_METER, aggregation="unique_count", value_path="card")
    await deliver(service.store, service.handler, event_record(meter, NOON))
    response = await service.post("/v1/plans", PLAN | {"charges": [CALLS | {"price": PERCENTAGE}]})
    assert (response.status_code, response.json()["code"]) == (422, "meter-has-no-event-values")
    assert response.json()["errors"][0]["pointer"] == "/body/charges/0/price"


async def test_an_own_price_must_fit_the_terms_of_its_charge() -> None:
    """A price of single events has no included units."""
    service = await service_with_regions()
    await service.post_ok("/v1/plans", PLAN | {"charges": [CALLS | {"included": "5"}]})
    customer = await service.post_ok("/v1/customers", CUSTOMER)
    body = {"customer_id": customer["customer_id"], "plan_key": "pro", "prices": {"calls": PERCENTAGE}}
    response = await service.post("/v1/subscriptions", body)
    assert (response.status_code, response.json()["code"]) == (400, "included-units-of-events")
