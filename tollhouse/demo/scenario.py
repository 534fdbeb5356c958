"""Who is billed for what in the demo: plans, zones, cards. Amounts are decimal strings in US dollars."""

from datetime import UTC, datetime
from typing import Any

import msgspec

TENANT = "port-authority"
OPENED_AT = datetime(2013, 1, 1, 12, tzinfo=UTC)
EVENT_TYPE = "flight.departed"
TAX_RATE = "0.08875"

METERS: tuple[dict[str, Any], ...] = (
    {"key": "departures", "event_type": EVENT_TYPE, "aggregation": "count"},
    {"key": "miles", "event_type": EVENT_TYPE, "aggregation": "sum", "value_path": "miles"},
    {"key": "aircraft", "event_type": EVENT_TYPE, "aggregation": "unique_count", "value_path": "aircraft"},
    {
        "key": "air-minutes",
        "event_type": EVENT_TYPE,
        "aggregation": "sum",
        "value_path": "air_minutes",
        "group_by": ["origin"],
    },
)


def _charge(key: str, name: str, model: str, **price: Any) -> dict[str, Any]:
    meter = {} if model == "flat" else {"meter_key": key}
    return {"key": key, "name": name, **meter, "price": {"model": model, **price}}


def _plan(
    key: str, name: str, fee: str, tiers: list[tuple[str | None, str]], mile: str, tail: str
) -> dict[str, Any]:
    charges = [
        _charge("fee", "Gate access", "flat", amount=fee),
        _charge(
            "departures",
            "Departures",
            "graduated",
            tiers=[{"up_to": up_to, "unit_price": price} for up_to, price in tiers],
        ),
        _charge("miles", "Miles flown", "per_unit", unit_price=mile),
        _charge("aircraft", "Distinct aircraft", "per_unit", unit_price=tail),
    ]
    return {"key": key, "name": name, "currency": "USD", "interval": "P1M", "charges": charges}


_HUB_TIERS: list[tuple[str | None, str]] = [("1000", "185.50"), ("3000", "142.25"), (None, "97.125")]
PLANS = (
    _plan("hub", "Hub carrier", "25000.00", _HUB_TIERS, "0.0123", "310.00"),
    _plan(
        "regional", "Regional carrier", "4900.00", [("500", "120.00"), (None, "88.40")], "0.00975", "145.50"
    ),
    _plan("visitor", "Visiting carrier", "750.00", [("20", "240.00"), (None, "199.99")], "0.021", "95.00"),
)


class Airline(msgspec.Struct, frozen=True):
    """A customer of the airport: its plan, the time zone of its billing periods, and its card."""

    carrier: str
    plan: str
    time_zone: str = "America/New_York"
    token: str = "tok_ok"


AIRLINES: tuple[Airline, ...] = (
    Airline("9E", "regional", token="tok_soft-ok-ok-soft-soft-ok"),
    Airline("AA", "hub"),
    Airline("AS", "visitor", "America/Los_Angeles"),
    Airline("B6", "hub", token="tok_ok-timeout_after-ok"),
    Airline("DL", "hub", token="tok_ok-ok-error_after-ok"),
    Airline("EV", "hub"),
    Airline("F9", "visitor", "America/Denver", token="tok_soft-soft-ok"),
    Airline("FL", "regional", token="tok_ok-timeout_before-ok"),
    Airline("HA", "visitor", "Pacific/Honolulu"),
    Airline("MQ", "regional"),
    Airline("OO", "visitor", "America/Denver", token="tok_hard"),
    Airline("UA", "hub", token="tok_ok-soft-ok"),
    Airline("US", "regional"),
    Airline("VX", "regional", "America/Los_Angeles"),
    Airline("WN", "regional", token="tok_ok-soft-soft-soft-soft-ok"),
    Airline("YV", "visitor", token="tok_soft-hard-ok"),
)
