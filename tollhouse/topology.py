"""What the house is made of, as data: the processes, their databases and where their tables are described."""

from dataclasses import dataclass
from pathlib import Path

HOUSE = Path(__file__).parent.parent

# Tables that every process keeps beside its own: event store, inbox, idempotency records, relay cursor.
SHARED_MIGRATIONS = (
    HOUSE / "shared" / "framework" / "eventstore" / "migrations",
    HOUSE / "shared" / "framework" / "messaging" / "migrations",
)

# The sandbox payment gateway plays the outside world: its books are in no context's database.
SANDBOX = "sandbox"


@dataclass(frozen=True, slots=True)
class Service:
    """One process with one database of its own (`tollhouse_<name>`)."""

    name: str
    module: str
    migrations: tuple[Path, ...]
    uses_sandbox: bool = False


def _context(name: str, *, uses_sandbox: bool = False) -> Service:
    own = HOUSE / "services" / name / "migrations"
    return Service(name, f"services.{name}.main", (*SHARED_MIGRATIONS, own), uses_sandbox)


SERVICES = (
    _context("ingest"),
    _context("metering"),
    _context("subscriptions"),
    _context("invoicing"),
    _context("payments", uses_sandbox=True),
    Service("projections", "projections.main", (*SHARED_MIGRATIONS, HOUSE / "projections" / "migrations")),
)
