"""Creates databases and roles: per process a database, an owner role that migrates it, and a restricted role.

Services connect as `<name>_app`, which has only the rights that the migrations grant: a compromised service
can neither alter a table nor change stored events.

`python -m tollhouse.provision` does it on any server (deploy/k8s runs it as a Job). It reads two variables:
TOLLHOUSE_POSTGRES_URL, for a role that may create databases and roles, and TOLLHOUSE_ROLE_PASSWORDS_FOLDER,
a folder with one file per role that contains its password.
"""

import asyncio
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from shared.framework.eventstore.migrate import apply
from tollhouse.topology import SANDBOX, SERVICES, ServiceProcess

# Passwords are written into URLs and SQL, so only characters without a meaning there are allowed.
_PASSWORD = re.compile(r"[A-Za-z0-9_-]{16,128}")


class ProvisionRefused(Exception):
    """A variable or a password that provisioning needs is missing or unusable."""


@dataclass(frozen=True, slots=True)
class Databases:
    """Addresses of the installation's databases on one server. `secret` returns the password of a role."""

    server_url: str
    secret: Callable[[str], str]

    def dsn(self, name: str) -> str:
        """The address for the process itself, with its restricted role."""
        return self._url(f"{name}_app", f"tollhouse_{name}")

    def owner_dsn(self, name: str) -> str:
        """The address for migrations and for `tollhouse verify`, with the owner role."""
        return self._url(f"{name}_owner", f"tollhouse_{name}")

    def sandbox_dsn(self) -> str:
        """The address of the sandbox gateway's database, which the payments role owns."""
        return self._url("payments_app", f"tollhouse_{SANDBOX}")

    def password(self, role: str) -> str:
        """The password of a role."""
        return self.secret(f"role {role}")

    def _url(self, role: str, database: str) -> str:
        server = urlsplit(self.server_url)
        address = server.netloc.rpartition("@")[2]
        return server._replace(netloc=f"{role}:{self.password(role)}@{address}", path=f"/{database}").geturl()


async def provision(databases: Databases, services: Sequence[ServiceProcess] = SERVICES) -> None:
    """Create missing roles and databases, then migrate all. A second run changes nothing."""
    admin = await asyncpg.connect(databases.server_url, timeout=10)
    try:
        await ensure_roles(admin, databases, services)
        for service in services:
            owner, user = f"{service.name}_owner", f"{service.name}_app"
            await _ensure_database(admin, service.name, owner=owner, user=user)
            if service.uses_sandbox:
                await _ensure_database(admin, SANDBOX, owner=user, user=user)
    finally:
        await admin.close()
    await asyncio.gather(*(_migrate(databases, service) for service in services))


async def _migrate(databases: Databases, service: ServiceProcess) -> None:
    folders = [folder for folder in service.migrations if folder.is_dir()]
    await apply(databases.owner_dsn(service.name), folders, app_role=f"{service.name}_app")


async def ensure_roles(
    admin: asyncpg.Connection, databases: Databases, services: Sequence[ServiceProcess]
) -> None:
    """Create missing roles, and set the password of each."""
    for service in services:
        await _ensure_role(admin, f"{service.name}_owner", databases)
        await _ensure_role(admin, f"{service.name}_app", databases)


async def _ensure_role(admin: asyncpg.Connection, role: str, databases: Databases) -> None:
    exists = await admin.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role)
    verb = "ALTER" if exists else "CREATE"
    await admin.execute(f"{verb} ROLE {role} LOGIN PASSWORD '{databases.password(role)}'")
    await admin.execute(f"GRANT {role} TO CURRENT_USER")  # on managed servers the admin is not a superuser


async def _ensure_database(admin: asyncpg.Connection, name: str, *, owner: str, user: str) -> None:
    database = f"tollhouse_{name}"
    if await admin.fetchval("SELECT true FROM pg_database WHERE datname = $1", database):
        return
    await admin.execute(f"CREATE DATABASE {database} OWNER {owner}")
    await admin.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
    await admin.execute(f"GRANT CONNECT ON DATABASE {database} TO {user}")


def databases_from_env(env: Mapping[str, str], services: Sequence[ServiceProcess] = SERVICES) -> Databases:
    """The databases that the environment describes. Raises ProvisionRefused with everything that is wrong."""
    wanted = ("TOLLHOUSE_POSTGRES_URL", "TOLLHOUSE_ROLE_PASSWORDS_FOLDER")
    missing = [name for name in wanted if not env.get(name)]
    if missing:
        raise ProvisionRefused(f"not set: {', '.join(missing)}")
    folder = Path(env["TOLLHOUSE_ROLE_PASSWORDS_FOLDER"])
    roles = [f"{service.name}_{kind}" for service in services for kind in ("owner", "app")]
    passwords = {f"role {role}": _password(folder / role) for role in roles}
    unusable = [name for name, password in passwords.items() if not _PASSWORD.fullmatch(password)]
    if unusable:
        rule = "a file of 16 to 128 letters, digits, - or _"
        raise ProvisionRefused(f"{folder} needs {rule} for each of: {', '.join(unusable)}")
    return Databases(env["TOLLHOUSE_POSTGRES_URL"], passwords.__getitem__)


def _password(file: Path) -> str:
    return file.read_text().strip() if file.is_file() else ""


if __name__ == "__main__":
    try:
        asyncio.run(provision(databases_from_env(os.environ)))
    except ProvisionRefused as refused:
        sys.exit(f"provision: {refused}")
