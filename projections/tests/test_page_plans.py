"""A page is read in the order of an index: nothing is sorted for it, even without statistics of the table."""

from typing import Any

import asyncpg
import pytest

from projections.engine.postgres.row_store import PostgresRowStore
from projections.engine.read_model import Arrived
from projections.engine.row_store import RowQuery
from projections.register import READ_MODELS
from projections.tests.conftest import PostgresReadSide
from projections.tests.scenarios import TENANT


class _Plans:
    """An Executor that collects the plans of statements, and finds no row."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.lines: list[str] = []

    async def fetch(self, query: str, *args: Any) -> "list[asyncpg.Record]":
        self.lines += [line for (line,) in await self.connection.fetch(f"EXPLAIN {query}", *args)]
        return []


@pytest.mark.parametrize("backwards", [False, True])
async def test_nothing_is_sorted_for_a_page(postgres_side: PostgresReadSide, backwards: bool) -> None:
    """Of all rows, or of those of a parent; without statistics, 40,000 lines are taken for three."""
    query = RowQuery(TENANT, arrived=Arrived(-1, 10**6), backwards=backwards)
    async with postgres_side.pool.acquire() as connection:
        plans = _Plans(connection)
        for model in READ_MODELS:
            await PostgresRowStore(plans).page(model, query)
            for column in model.filters:
                await PostgresRowStore(plans).pages_by(model, column, ["one", "other"], query)
    assert plans.lines
    assert not [line for line in plans.lines if "Sort" in line]
