"""What the house is made of, as data: the processes, their databases and where their tables are described."""

from dataclasses import dataclass
from pathlib import Path

REPOSITORY_ROOT = Path(__file__).parent.parent

# Tables that every process keeps beside its own: event store, inbox, idempotency records, relay cursor.
SHARED_MIGRATIONS = (
    REPOSITORY_ROOT / "shared" / "framework" / "eventstore" / "migrations",
    REPOSITORY_ROOT / "shared" / "framework" / "messaging" / "migrations",
)

# The sandbox payment gateway plays the outside world: its books are in no context's database.
SANDBOX = "sandbox"


@dataclass(frozen=True, slots=True)
class ServiceProcess:
    """One process with one database of its own (`tollhouse_<name>`)."""

    name: str
    module: str
    migrations: tuple[Path, ...]
    uses_sandbox: bool = False


def _context(name: str, *, uses_sandbox: bool = False) -> ServiceProcess:
    own = REPOSITORY_ROOT / "services" / name / "migrations"
    return ServiceProcess(name, f"services.{name}.main", (*SHARED_MIGRATIONS, own), uses_sandbox)


SERVICES = (
    _context("ingest"),
    _context("metering"),
    _context("subscriptions"),
    _context("invoicing"),
    _context("payments", uses_sandbox=True),
    ServiceProcess(
        "projections",
        "projections.main",
        (*SHARED_MIGRATIONS, REPOSITORY_ROOT / "projections" / "migrations"),
    ),
)
