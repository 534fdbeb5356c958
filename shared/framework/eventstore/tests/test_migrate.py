"""Migrations run once, in order, and never change afterwards."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from shared.framework.eventstore import migrate
from shared.framework.eventstore.migrate import MigrationIsInvalid
from shared.framework.eventstore.tests.conftest import APP_ROLE, Database


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    migrations = tmp_path / "metering" / "migrations"
    migrations.mkdir(parents=True)
    (migrations / "0002_second.sql").write_text("INSERT INTO first VALUES (1);")
    (migrations / "0001_first.sql").write_text(
        "CREATE TABLE first (n int); GRANT SELECT ON first TO :app_role;"
    )
    return migrations


async def _fetch(dsn: str, query: str) -> list[Any]:
    connection = await asyncpg.connect(dsn)
    try:
        return list(await connection.fetch(query))
    finally:
        await connection.close()


async def test_what_is_new_is_applied_in_order_and_once(database: Database, folder: Path) -> None:
    """Also after the event store's own, which are there already."""
    folders = [migrate.MIGRATIONS, folder]
    new = await migrate.apply(database.owner_dsn, folders, app_role=APP_ROLE)
    assert new == ["metering/0001_first.sql", "metering/0002_second.sql"]
    assert await migrate.apply(database.owner_dsn, folders, app_role=APP_ROLE) == []
    assert len(await _fetch(database.app_dsn, "SELECT * FROM first")) == 1


async def test_two_at_once_apply_everything_once(database: Database, folder: Path) -> None:
    """Two processes start together: one waits for the other."""
    both = [migrate.apply(database.owner_dsn, [folder], app_role=APP_ROLE) for _ in range(2)]
    assert sorted(map(len, await asyncio.gather(*both))) == [0, 2]


async def test_a_file_that_fails_leaves_nothing(database: Database, folder: Path) -> None:
    """Each file is one transaction; those before it stay, and a mended file goes on from there."""
    broken = folder / "0002_second.sql"
    broken.write_text("CREATE TABLE half (n int); SELECT no_such_thing;")
    with pytest.raises(asyncpg.UndefinedColumnError):
        await migrate.apply(database.owner_dsn, [folder], app_role=APP_ROLE)
    assert not (await _fetch(database.owner_dsn, "SELECT to_regclass('half')"))[0][0]
    broken.write_text("CREATE TABLE half (n int);")
    new = await migrate.apply(database.owner_dsn, [folder], app_role=APP_ROLE)
    assert new == ["metering/0002_second.sql"]


async def test_an_applied_file_may_not_change(database: Database, folder: Path) -> None:
    """Two databases of one release must look alike."""
    await migrate.apply(database.owner_dsn, [folder], app_role=APP_ROLE)
    (folder / "0001_first.sql").write_text("CREATE TABLE first (n bigint);")
    with pytest.raises(MigrationIsInvalid, match="0001_first"):
        await migrate.apply(database.owner_dsn, [folder], app_role=APP_ROLE)


async def test_a_file_without_a_number_is_refused(database: Database, folder: Path) -> None:
    """It would have no place in the order."""
    (folder / "later.sql").write_text("SELECT 1;")
    with pytest.raises(MigrationIsInvalid, match=r"later\.sql"):
        await migrate.apply(database.owner_dsn, [folder], app_role=APP_ROLE)


@pytest.mark.parametrize("role", ["", "Robert; DROP TABLE", 'x"y', "1st"])
async def test_a_role_is_a_plain_name(role: str) -> None:
    """It is written into SQL."""
    with pytest.raises(MigrationIsInvalid):
        await migrate.apply("postgresql://nowhere", [], app_role=role)
