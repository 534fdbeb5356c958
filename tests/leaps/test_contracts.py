"""Contracts under a test clock: one leap and many small ones give the same documents, whatever the delays."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.billing.contracts.invoicing.invoices import InvoiceFinalized
from shared.framework.testing.fakes import FakeClock
from tests.e2e.small_business import PLAN
from tests.leaps.installation import Installation

NOW = datetime(2026, 11, 25, tzinfo=UTC)
START, TARGET = datetime(2026, 1, 31, 12, tzinfo=UTC), datetime(2026, 5, 10, tzinfo=UTC)
CALLS = {"c0": 900, "c0b": 500, "c1": 10}
MONTHS = {"interval": "P1M", "period_count": 3}
PREPAID = {
    **MONTHS,
    "name": "Prepaid",
    "kind": "prepaid",
    "commitments": ["10.00", "8.00"],
    "overage": {"multiplier": "1.333"},
}
MINIMUM = {
    **MONTHS,
    "name": "Floor",
    "kind": "minimum",
    "commitments": ["50.00"],
    "volume_discounts": [{"above": "5", "rate": "0.1"}],
    "termination_fee": {"share": "0.5"},
}
Billed = list[tuple[datetime, str, int]]
"""By date and kind of line: minor units in all.

Which of two invoices of one instant draws first on a commitment is open, as are their numbers.
"""


def calls(subject: str) -> dict[str, Any]:
    """The calls of a subject in its first month."""
    envelope = {"specversion": "1.0", "type": "api.call", "source": "test", "subject": subject}
    return {**envelope, "id": subject, "time": START.isoformat(), "data": {"count": CALLS[subject]}}


async def open_business(world: Installation) -> None:
    """Two customers, one with two subscriptions, each with a contract; one ends in its third month."""
    await world.request("subscriptions", "POST", "/v1/test-clock", {"now": START.isoformat()}, "clock")
    meter = {"key": "calls", "event_type": "api.call", "aggregation": "sum", "value_path": "count"}
    await world.request("metering", "POST", "/v1/meters", meter, "meter")
    await world.request("subscriptions", "POST", "/v1/plans", PLAN, "plan")
    contracts = []
    for name, zone, subjects, contract in (
        ("c0", "Asia/Tokyo", ("c0", "c0b"), PREPAID),
        ("c1", "America/New_York", ("c1",), MINIMUM),
    ):
        customer = {"external_id": name, "currency": "EUR", "time_zone": zone}
        who = await world.request("subscriptions", "POST", "/v1/customers", customer, name)
        body: dict[str, Any] = {"customer_id": who["customer_id"], **contract}
        contracts.append(await world.request("subscriptions", "POST", "/v1/contracts", body, f"k{name}"))
        for subject in subjects:
            start = {"customer_id": who["customer_id"], "plan_key": "standard", "subject": subject}
            await world.request("subscriptions", "POST", "/v1/subscriptions", start, f"s{subject}")
    end = {"ends_at": "2026-04-10T12:00:00Z"}
    path = f"/v1/contracts/{contracts[1]['contract_id']}/terminate"
    await world.request("subscriptions", "POST", path, end, "end")
    for subject in CALLS:
        await world.request("ingest", "POST", "/v1/events", calls(subject))


async def played(seed: int, steps: int) -> Billed:
    """What is billed after so many advances to the target."""
    world = Installation(seed, FakeClock(NOW))
    async with world.running():
        await open_business(world)
        for number in range(1, steps + 1):
            to = START + (TARGET - START) * number / steps
            body = {"to": to.isoformat()}
            await world.request("subscriptions", "POST", "/v1/test-clock/advance", body, f"advance-{number}")
            await world.ready()
        invoicing = await world.events("invoicing")
    finalized = [event for event in invoicing if isinstance(event, InvoiceFinalized)]
    numbers = [one.finalized_at for one in sorted(finalized, key=lambda one: one.number)]
    assert numbers == sorted(numbers)
    lines: dict[tuple[datetime, str], list[int]] = {}
    for document in finalized:
        for line in document.lines:
            key = (document.finalized_at, line.description.split(" (")[0])
            lines.setdefault(key, []).append(line.amount.minor)
    return [(at, name, sum(minors)) for (at, name), minors in sorted(lines.items())]


@pytest.fixture(scope="module")
def expected() -> Billed:
    """What small steps bill."""
    return asyncio.run(played(4711, 33))


def amounts(billed: Billed, what: str) -> list[int]:
    """Minor units of the lines of a kind, in the order of dates."""
    return [minor for _, name, minor in billed if name == what]


def test_the_documents_are_those_of_plain_arithmetic(expected: Billed) -> None:
    """1400 calls at 0.015 are 21.00: 10.00 are drawn, and 11.00 cost a third more."""
    assert amounts(expected, "Prepaid: prepaid commitment") == [1000, 800, 800]
    assert amounts(expected, "Prepaid: drawn from the prepaid commitment") == [-1000]
    assert amounts(expected, "Prepaid: overage beyond the commitment") == [366]
    # 10.15 and 10.00 less a tenth of what is above 5.00; of the third month 10 of 30 days are committed.
    assert amounts(expected, "Floor: true-up to the commitment") == [5000 - 963, 5000 - 950, 1667]
    assert amounts(expected, "Floor: early termination fee") == [1667]
    ends = [at for at, name, _ in expected if name.startswith("Floor: early")]
    assert ends == [datetime(2026, 4, 10, 12, tzinfo=UTC)]


@pytest.mark.parametrize("seed", range(6))
def test_one_leap_gives_the_same_documents(seed: int, expected: Billed) -> None:
    """In the same order of dates."""
    assert asyncio.run(played(seed, 1)) == expected
