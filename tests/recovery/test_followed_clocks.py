"""Which target a context has for a test clock after contexts were restored to different moments."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.billing.contracts import CONTRACTS
from shared.billing.contracts.subscriptions.test_clocks import (
    TestClockAdvanced,
    TestClockAdvanceFinished,
    TestClockAdvanceStarted,
    TestClockStarted,
)
from shared.framework.core.event import Metadata
from shared.framework.eventstore.pool import connect
from shared.framework.eventstore.postgres import PostgresEventStore
from shared.framework.eventstore.records import Append, ChangeSet, ClockChange, TenantActivity, TenantClock
from shared.framework.messaging.tenant_progress import TenantProgress, is_quiet
from tollhouse.embedded import local_servers
from tollhouse.installation_state import InstallationState
from tollhouse.provision import Databases, provision
from tollhouse.recovery.followed_clocks import MovedClock
from tollhouse.recovery.reconcile import ReconcileOptions, reconcile

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
STANDING, ADVANCING = TenantClock(NOON), TenantClock(NOON, NOON + HOUR)


@pytest.mark.parametrize(
    ("clock", "own", "target"),
    [
        (STANDING, TenantClock(NOON), None),
        (STANDING, TenantClock(NOON - HOUR), NOON),
        (STANDING, TenantClock(NOON - HOUR, NOON - HOUR / 2), NOON),
        (STANDING, TenantClock(NOON, NOON + HOUR), None),
        (STANDING, TenantClock(NOON + HOUR, NOON + 2 * HOUR), None),
        (ADVANCING, TenantClock(NOON - HOUR), NOON + HOUR),
        (ADVANCING, TenantClock(NOON), NOON + HOUR),
    ],
)
def test_a_context_waits_for_the_clock_and_for_nothing_else(
    clock: TenantClock, own: TenantClock, target: datetime | None
) -> None:
    """One that is behind until it is there; none for an advance that the clock's context has lost."""
    assert MovedClock(clock).target_for(own) == target


def test_a_jump_has_no_end_that_would_let_commands_go_on() -> None:
    """Histories from before 2026-11-25 have no event that removes a target."""
    assert MovedClock(STANDING, jumped=True).target_for(TenantClock(NOON - HOUR)) is None


@pytest.mark.parametrize(
    ("own", "due", "quiet"),
    [
        (STANDING, 0, True),
        (TenantClock(NOON - HOUR), 0, False),
        (TenantClock(NOON + HOUR), 0, True),
        (TenantClock(NOON + HOUR), 1, False),
        (ADVANCING, 0, False),
        (None, 0, False),
    ],
)
def test_an_advance_does_not_wait_for_a_context_that_is_ahead(
    own: TenantClock | None, due: int, quiet: bool
) -> None:
    """It was there before the clock's context was restored, and a clock never goes back."""
    report = TenantProgress(0, {}, {}, TenantActivity(own, timers_due=due))
    assert is_quiet(report, STANDING, {}) == quiet


@pytest.mark.timeout(120)
async def test_a_reconciliation_lets_the_clocks_of_databases_agree(tmp_path: Path) -> None:
    """On real databases: one context is behind the clock, one waits for an advance that is lost."""
    folder = tmp_path / "state"
    async with local_servers(folder, fast=True) as servers:
        databases = Databases(servers.postgres_url, InstallationState(folder).secret)
        await provision(databases)
        await commit(databases, "subscriptions", clock_events())
        await commit(databases, "ingest", clock_of(TenantClock(NOON - HOUR)))
        await commit(databases, "metering", clock_of(TenantClock(NOON, NOON + 9 * HOUR)))
        await commit(databases, "payments", clock_of(TenantClock(NOON)))
        report = await reconcile(databases, ReconcileOptions(services_have_run=False))
        found = {name: await followed(databases, name) for name in ("ingest", "metering", "payments")}
        again = await reconcile(databases, ReconcileOptions(services_have_run=False))
    assert found == {
        "ingest": TenantClock(NOON - HOUR, NOON),
        "metering": TenantClock(NOON),
        "payments": TenantClock(NOON),
    }
    assert [line for line in report.rewound if "test clock" in line] == [
        f"the test clock of acme waits until {NOON.isoformat()} in ingest",
        f"the test clock of acme stands at {NOON.isoformat()} in metering",
    ]
    assert [line for line in again.rewound if "test clock" in line] == []


def clock_events() -> ChangeSet:
    """A clock that was advanced to NOON."""
    events = (
        TestClockStarted(now=NOON - HOUR),
        TestClockAdvanceStarted(now=NOON - HOUR, target=NOON),
        TestClockAdvanced(now=NOON),
        TestClockAdvanceFinished(now=NOON, overdue={}),
    )
    metadata = Metadata(correlation_id="test", actor="test", occurred_at=NOON)
    return ChangeSet([Append("acme", "clk_1", 0, events, metadata)])


def clock_of(clock: TenantClock) -> ChangeSet:
    return ChangeSet(clocks={"acme": ClockChange(clock.now, clock.target)})


@asynccontextmanager
async def store_of(databases: Databases, context: str) -> AsyncIterator[PostgresEventStore]:
    pool = await connect(databases.owner_dsn(context))
    try:
        yield PostgresEventStore(pool, context, CONTRACTS)
    finally:
        await pool.close()


async def commit(databases: Databases, context: str, changes: ChangeSet) -> None:
    async with store_of(databases, context) as store:
        await store.commit(changes)


async def followed(databases: Databases, context: str) -> TenantClock | None:
    async with store_of(databases, context) as store:
        return await store.test_clock("acme")
