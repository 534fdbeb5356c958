from pathlib import Path

import asyncpg
import pytest

from tollhouse.provision import Databases, provision
from tollhouse.topology import SERVICES, ServiceProcess

MIGRATION = """
CREATE TABLE facts (fact text PRIMARY KEY);
GRANT SELECT, INSERT ON facts TO :app_role;
"""


@pytest.fixture
def databases(postgres_url: str) -> Databases:
    """One set of passwords per installation; here a simple rule makes them up."""
    return Databases(postgres_url, lambda name: f"secret-of-{name.replace(' ', '-')}")


def service_with_migration(folder: Path, name: str) -> ServiceProcess:
    (folder / "0001_facts.sql").write_text(MIGRATION)
    return ServiceProcess(name, "no.module", (folder,))


async def test_a_service_may_do_what_its_migrations_grant_and_no_more(
    tmp_path: Path, databases: Databases
) -> None:
    """History can be added to and read; a compromised service cannot change it."""
    await provision(databases, [service_with_migration(tmp_path, "granted")])
    service = await asyncpg.connect(databases.dsn("granted"))
    await service.execute("INSERT INTO facts VALUES ('it happened')")
    for rewriting in (
        "UPDATE facts SET fact = 'it did not'",
        "DELETE FROM facts",
        "TRUNCATE facts",
        "DROP TABLE facts",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await service.execute(rewriting)
    assert await service.fetchval("SELECT fact FROM facts") == "it happened"
    await service.close()


async def test_provisioning_twice_changes_nothing(tmp_path: Path, databases: Databases) -> None:
    """Every `make up` provisions; data of the last run must be there."""
    services = [service_with_migration(tmp_path, "twice")]
    await provision(databases, services)
    service = await asyncpg.connect(databases.dsn("twice"))
    await service.execute("INSERT INTO facts VALUES ('kept')")
    await provision(databases, services)
    assert await service.fetchval("SELECT fact FROM facts") == "kept"
    await service.close()


def test_every_process_has_a_database_of_its_own(databases: Databases) -> None:
    """No process reads another's tables: not even the names are shared."""
    dsns = {databases.dsn(service.name) for service in SERVICES} | {databases.sandbox_dsn()}
    assert len(dsns) == len(SERVICES) + 1
