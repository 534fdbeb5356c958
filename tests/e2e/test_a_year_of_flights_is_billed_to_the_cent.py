"""Real usage becomes collected invoices, however it is delivered; an oracle that shares no code agrees."""

import random
from collections.abc import Sequence

import pytest

from tests.e2e.conftest import Installation
from tests.e2e.flights_billed import billed, invoices_of
from tests.e2e.oracle import bills
from tollhouse.client import Client
from tollhouse.demo.flights import Departure, departures
from tollhouse.demo.playback import DeliveryOrder, in_order, play_months, set_up_tenant

YEAR = 12  # both changes of summer time are in it


def in_disorder(departures: Sequence[Departure]) -> Sequence[Departure]:
    """Shuffled, a tenth of it twice; all of it arrives after the month is over, inside the hour of grace."""
    dice = random.Random(len(departures))
    delivered = [*departures, *dice.sample(departures, len(departures) // 10)]
    dice.shuffle(delivered)
    return delivered


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("months", "deliver"), [(YEAR, in_order), (2, in_disorder)], ids=["year", "late-duplicated-shuffled"]
)
async def test_what_is_billed_is_what_the_oracle_says(
    installation: Installation, client: Client, months: int, deliver: DeliveryOrder
) -> None:
    """Lines, tax and totals of every airline to the cent, whatever order the events came in."""
    await set_up_tenant(client)
    await play_months(client, departures(), months, deliver=deliver)
    await installation.settled()
    expected = bills(months)
    assert await billed(client) == expected
    numbers = sorted(invoice["number"] for invoice in await invoices_of(client))
    assert numbers == [f"INV-{n:06}" for n in range(1, len(expected) + 1)]
