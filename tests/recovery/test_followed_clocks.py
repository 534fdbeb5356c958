"""Which target a context has for a test clock after contexts were restored to different moments."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.framework.eventstore.records import TenantActivity, TenantClock
from shared.framework.messaging.tenant_progress import TenantProgress, is_quiet
from tollhouse.recovery.followed_clocks import MovedClock

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
