"""From plan to invoice with every price of a total, in one month of one customer, with real processes."""

import json
from datetime import UTC, datetime
from typing import Any

from tests.e2e.conftest import Installation
from tests.e2e.small_business import JANUARY
from tollhouse.client import Client

ONE = {"model": "per_unit", "unit_price": "1"}
TIERS = [{"up_to": "100", "unit_price": "2", "flat_fee": "10"}, {"up_to": None, "unit_price": "1"}]
STAIRS = [{"up_to": "100", "amount": "20"}, {"up_to": None, "amount": "35"}]
SHARES = [{"up_to": "100", "percent": "2"}, {"up_to": None, "percent": "1", "flat_fee": "3"}]
CELLS = [{"values": {"region": "eu"}, "price": {"model": "per_unit", "unit_price": "0.10"}}]
THOUSANDS = {"operation": "divide", "factor": "1000", "rounding": "up"}

# Each charge with what 100.5 and 20 gigabytes come to; the amount of the matrix is that of each region.
CHARGES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("graduated", {"price": {"model": "graduated", "tiers": TIERS}}, ["230.50"]),
    ("volume", {"price": {"model": "volume", "tiers": TIERS}}, ["120.50"]),
    ("stairs", {"price": {"model": "stairstep", "tiers": STAIRS}}, ["35.00"]),
    ("package", {"price": {"model": "package", "package_size": "10", "package_price": "1.5"}}, ["19.50"]),
    ("share", {"price": {"model": "graduated_percentage", "tiers": SHARES}}, ["5.21"]),
    ("dynamic", {"price": {"model": "dynamic", "multiplier": "1.33333"}}, ["160.67"]),
    (
        "credits",
        {
            "price": {
                "model": "custom_units",
                "unit": "credits",
                "decimal_places": 0,
                "unit_price": "0.01",
                "price": {"model": "per_unit", "unit_price": "3"},
            }
        },
        ["3.62"],
    ),
    ("included", {"price": ONE, "included": "100", "maximum": "15"}, ["15.00"]),
    ("converted", {"price": ONE, "conversion": THOUSANDS, "minimum": "7"}, ["7.00"]),
    (
        "matrix",
        {"price": {"model": "matrix", "dimensions": ["region"], "cells": CELLS, "default": ONE}},
        ["10.05", "20.00"],
    ),
]
INVOICE = """{ invoices { edges { node { lines {
  chargeKey description amount { amount } sentence steps { description quantity unitPrice fee amount }
} } } } plans { edges { node { versions {
  charges { key sentence included maximum conversion { factor } }
} } } } }"""


def charge(key: str, terms: dict[str, Any]) -> dict[str, Any]:
    meter = "regional" if key == "matrix" else "volume"
    return {"key": key, "name": key.title(), "meter_key": meter, **terms}


async def test_every_price_of_a_total_is_billed_to_the_cent(
    installation: Installation, client: Client
) -> None:
    """The amounts are worked out by hand; steps add up, and plan and invoice have the same sentence."""
    await client.command("subscriptions", "/v1/test-clock", {"now": JANUARY}, key="clock")
    meter = {"event_type": "transfer", "aggregation": "sum", "value_path": "gb"}
    await client.command("metering", "/v1/meters", {"key": "volume", **meter}, key="volume")
    regional = {"key": "regional", "group_by": ["region"], **meter}
    await client.command("metering", "/v1/meters", regional, key="regional")
    charges = [charge(key, terms) for key, terms, _ in CHARGES]
    plan = {"key": "all", "name": "All", "currency": "EUR", "interval": "P1M", "charges": charges}
    await client.command("subscriptions", "/v1/plans", plan, key="plan")
    customer = {"external_id": "acme", "currency": "EUR", "time_zone": "UTC"}
    answer = await client.command("subscriptions", "/v1/customers", customer, key="customer")
    start = {"customer_id": answer["customer_id"], "plan_key": "all"}
    await client.command("subscriptions", "/v1/subscriptions", start, key="start")
    advance = "/v1/test-clock/advance"
    await client.command("subscriptions", advance, {"to": datetime(2026, 1, 20, tzinfo=UTC)}, key="to-20")
    head = {"specversion": "1.0", "type": "transfer", "source": "edge", "subject": "acme"}
    used = [("100.5", "eu", "2026-01-05T10:00:00Z"), ("20", "us", "2026-01-06T10:00:00Z")]
    await client.send_events(
        [
            json.dumps(head | {"id": at, "time": at, "data": {"gb": gb, "region": region}}).encode()
            for gb, region, at in used
        ]
    )
    await client.command("subscriptions", advance, {"to": datetime(2026, 2, 2, tzinfo=UTC)}, key="to-feb")
    await installation.settled()
    shown = await client.graphql(INVOICE)
    [invoice] = shown["invoices"]["edges"]
    lines = invoice["node"]["lines"]
    assert [(line["chargeKey"], line["amount"]["amount"]) for line in lines] == [
        (key, amount) for key, _, amounts in CHARGES for amount in amounts
    ]
    [catalog] = shown["plans"]["edges"]
    [version] = catalog["node"]["versions"]
    sentences = {one["key"]: one["sentence"] for one in version["charges"]}
    assert all(line["sentence"] == sentences[line["chargeKey"]] for line in lines)
    assert sentences["included"] == "The first 100 units free, then 1 EUR per unit; at most 15 EUR a period."
