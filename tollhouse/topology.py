"""The processes of an installation, with their modules, databases and migrations."""

from dataclasses import dataclass
from pathlib import Path

REPOSITORY_ROOT = Path(__file__).parent.parent

# Tables of every process: event store, inbox, idempotency records, relay cursor.
SHARED_MIGRATIONS = (
    REPOSITORY_ROOT / "shared" / "framework" / "eventstore" / "migrations",
    REPOSITORY_ROOT / "shared" / "framework" / "messaging" / "migrations",
)

# The sandbox payment gateway stands for an external system, so it has a database of its own.
SANDBOX = "sandbox"


@dataclass(frozen=True, slots=True)
class ServiceProcess:
    """A process and its database, `tollhouse_<name>`."""

    name: str
    module: str
    migrations: tuple[Path, ...]
    uses_sandbox: bool = False


def _context(name: str, *, uses_sandbox: bool = False) -> ServiceProcess:
    own = REPOSITORY_ROOT / "services" / name / "migrations"
    return ServiceProcess(name, f"services.{name}.main", (*SHARED_MIGRATIONS, own), uses_sandbox)


READ_SIDE = ServiceProcess(
    "projections",
    "projections.main",
    (*SHARED_MIGRATIONS, REPOSITORY_ROOT / "projections" / "migrations"),
)

SERVICES = (
    _context("ingest"),
    _context("metering"),
    _context("subscriptions"),
    _context("invoicing"),
    _context("payments", uses_sandbox=True),
    READ_SIDE,
)
