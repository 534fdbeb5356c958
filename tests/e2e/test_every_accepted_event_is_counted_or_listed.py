"""Whatever value is sent: it is counted exactly, or its owner finds it with the reason; verify is ok."""

import asyncio
import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.e2e.conftest import Installation
from tests.e2e.small_business import JANUARY
from tollhouse.client import Client

AT = JANUARY + timedelta(days=9, hours=10)
RANGE = {"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"}
USED = (
    '{"v": 0.30000000000000004, "size": 1}',
    '{"v": 1e21, "size": 1.0}',
    '{"v": ".5", "size": "1"}',
    '{"v": 1E-40, "size": 1e0}',
    '{"v": "n/a", "size": 200.0}',
    '{"size": "200"}',
    '{"v": 1, "size": {"w": 1}}',
)
TOTAL = Decimal("1000000000000000000001.8000000000000000400000000000000000000001")
METERS: tuple[dict[str, Any], ...] = (
    {"key": "sum", "aggregation": "sum", "value_path": "$.v"},
    {"key": "by-size", "aggregation": "count", "group_by": ["$.size"]},
    {"key": "sizes", "aggregation": "unique_count", "value_path": "size"},
    {"key": "of-200", "aggregation": "count", "filter": {"size": ["200"]}},
)


async def test_every_accepted_event_is_counted_or_listed(installation: Installation, client: Client) -> None:
    """Meters are defined before the usage and after it; both count all of it, and wait until they have."""
    await client.command("subscriptions", "/v1/test-clock", {"now": AT}, key="clock")
    for meter in METERS[:2]:
        await define(client, meter)
    answer = await client.send_events(events(USED))
    assert (answer["accepted"], answer["rejected"], answer["uncounted"]) == (len(USED), 0, 0)
    for meter in METERS[2:]:
        await define(client, meter)
    await totals_are_exact(client)
    await what_no_meter_counts_is_said_to_be_so(client)
    await what_is_not_counted_is_listed(client)
    await installation.settled()
    rows = await client.graphql("{ meters { edges { node { key unreadableCount } } } }")
    shown = {edge["node"]["key"]: edge["node"]["unreadableCount"] for edge in rows["meters"]["edges"]}
    assert shown == {"sum": 2, "by-size": 1, "sizes": 1, "of-200": 0, "rides": 0}
    report = json.loads(await asyncio.to_thread(installation.tollhouse, "verify", "--json"))
    assert report["differences"] == []


async def define(client: Client, meter: dict[str, Any]) -> None:
    body = {"event_type": "use", **meter}
    made = await client.command("metering", "/v1/meters", body, key=str(meter["key"]))
    assert "$" not in json.dumps(made)


def events(data: tuple[str, ...], at: datetime = AT) -> list[bytes]:
    """A usage event with each of these data."""
    head = (
        '{"specversion":"1.0","type":"use","source":"test","subject":"acme","time":"%s","id":"%s","data":%s}'
    )
    return [(head % (at.isoformat(), number, one)).encode() for number, one in enumerate(data)]


async def usage(client: Client, meter: str, **query: str) -> dict[str, Any]:
    return await client.get("metering", "/v1/usage", meter=meter, **RANGE, **query)


async def totals_are_exact(client: Client) -> None:
    """Values that are equal are one; no digit is lost; and the answer says what is missing from it."""
    total = await usage(client, "sum")
    assert ([Decimal(one["value"]) for one in total["items"]], total["unreadable"]) == ([TOTAL], 2)
    by_size = await usage(client, "by-size", group_by="size")
    counted = {one["group"]["size"]: one["value"] for one in by_size["items"]}
    assert (counted, by_size["unreadable"]) == ({"1": "4", "200": "2"}, 1)
    assert [one["value"] for one in (await usage(client, "sizes"))["items"]] == ["2"]
    assert [one["value"] for one in (await usage(client, "of-200"))["items"]] == ["2"]


async def what_no_meter_counts_is_said_to_be_so(client: Client) -> None:
    """Until a meter counts its type; then that one has counted it from the beginning."""
    ride = events(('{"v": 1}',))[0].replace(b'"use"', b'"ride"').replace(b'"id":"0"', b'"id":"r0"')
    answer = await client.send_events([ride])
    assert (answer["accepted"], answer["uncounted"], answer["uncounted_types"]) == (1, 1, ["ride"])
    await define(client, {"key": "rides", "event_type": "ride", "aggregation": "count"})
    answer = await client.send_events([ride.replace(b'"r0"', b'"r1"')])
    assert (answer["accepted"], answer["uncounted"], answer["uncounted_types"]) == (1, 0, [])
    assert [one["value"] for one in (await usage(client, "rides"))["items"]] == ["2"]


async def what_is_not_counted_is_listed(client: Client) -> None:
    """With source, id, and the reason."""
    listed = (await client.get("metering", "/v1/meters/sum/unreadable"))["items"]
    assert [(one["id"], one["reason"], one["path"]) for one in listed] == [
        ("4", "not-a-number", "v"),
        ("5", "value-missing", "v"),
    ]
    (one,) = (await client.get("metering", "/v1/meters/by-size/unreadable"))["items"]
    assert (one["source"], one["id"], one["reason"]) == ("test", "6", "group-not-scalar")
    (one,) = (await client.get("metering", "/v1/meters/sizes/unreadable"))["items"]
    assert (one["id"], one["reason"]) == ("6", "not-scalar")
    assert (await client.get("metering", "/v1/meters/of-200"))["unreadable"] == 0
