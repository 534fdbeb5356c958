"""Metering when its database is away, and a full cache of series."""

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from services.metering.aggregations.aggregation import Combination
from services.metering.meters.postgres import PostgresMeterRepository
from services.metering.rollups import postgres
from services.metering.rollups.accumulator import Series
from services.metering.rollups.postgres import PostgresRollups, SeriesIds
from services.metering.tests.usage import TENANT
from shared.framework.eventstore.ports import StoreIsUnavailable


async def open_snapshot(rollups: PostgresRollups) -> None:
    async with rollups.snapshot():
        pass


@pytest.mark.parametrize(
    "call",
    [
        lambda pool: PostgresMeterRepository(pool).all(),
        lambda pool: PostgresMeterRepository(pool).unreadable_count(TENANT, "mtr_1"),
        lambda pool: PostgresRollups(pool).unpublished_count(),
        lambda pool: open_snapshot(PostgresRollups(pool)),
        lambda pool: SeriesIds(pool).ids_of({Series(TENANT, "mtr_1", "UA", ()): Combination.SUM}),
    ],
)
async def test_a_database_that_is_away_is_said_to_be(
    pool: "asyncpg.Pool[asyncpg.Record]", call: Callable[[Any], Awaitable[object]]
) -> None:
    """A refusal that every transport knows (503, try again), and no error of the driver's own (500)."""
    pool.terminate()
    with pytest.raises(StoreIsUnavailable):
        await call(pool)


async def test_a_full_cache_of_series_forgets_nothing_that_was_asked_for(
    pool: "asyncpg.Pool[asyncpg.Record]", monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is emptied when it is full, also in the middle of an answer."""
    monkeypatch.setattr(postgres, "SERIES_CACHED_MAX", 4)
    ids = SeriesIds(pool)
    series = [Series(TENANT, "mtr_1", f"subject-{number}", ()) for number in range(7)]
    many: dict[Series, Combination | None] = dict.fromkeys(series, Combination.SUM)
    numbers = [await ids.ids_of(dict(list(many.items())[:3])), await ids.ids_of(many), await ids.ids_of(many)]
    assert numbers[1] == numbers[2]
    assert set(numbers[1]) == set(many)
    assert numbers[0].items() <= numbers[1].items()
