"""The decider of test clocks: started once, then only advanced."""

from datetime import timedelta

import pytest

from services.subscriptions.test_clocks.decider import (
    TEST_CLOCK,
    AdvanceTestClock,
    StartTestClock,
    TestClockCannotGoBack,
    TestClockExists,
    TestClockIsMissing,
    TestClockLeapsTooFar,
)
from services.subscriptions.tests.scenarios import DAY, NOON, on
from shared.billing.contracts.subscriptions.test_clocks import TestClockAdvanced, TestClockStarted
from shared.framework.testing.spec import Spec

clock = Spec(TEST_CLOCK)
STARTED = TestClockStarted(now=NOON)


def test_a_tenants_time_is_taken_in_hand() -> None:
    """It starts at the given instant."""
    clock.when(StartTestClock(now=NOON)).then(STARTED)


def test_the_same_start_again_changes_nothing() -> None:
    """As long as it was not advanced."""
    clock.given(STARTED).when(StartTestClock(now=NOON)).then_nothing()


@pytest.mark.parametrize("now", [NOON - DAY, NOON + DAY])
def test_a_tenant_has_one_test_clock(now: object) -> None:
    """It is advanced, not started again."""
    clock.given(STARTED).when(StartTestClock(now=now)).refuses(TestClockExists)  # type: ignore[arg-type]


def test_time_moves_forward() -> None:
    """Any number of times."""
    (
        clock.given(STARTED)
        .when(AdvanceTestClock(to=on(2, 28)))
        .then(TestClockAdvanced(now=on(2, 28)))
        .when(AdvanceTestClock(to=on(3, 31)))
        .then(TestClockAdvanced(now=on(3, 31)))
    )


def test_moving_to_where_it_stands_changes_nothing() -> None:
    """A repeated advance changes nothing."""
    clock.given(STARTED).when(AdvanceTestClock(to=NOON)).then_nothing()


def test_time_never_runs_backwards() -> None:
    """Not by a microsecond: what happened would lie in the future."""
    clock.given(STARTED).when(AdvanceTestClock(to=NOON - timedelta(microseconds=1))).refuses(
        TestClockCannotGoBack
    )


def test_real_time_cannot_be_advanced() -> None:
    """A test clock must be started first."""
    clock.when(AdvanceTestClock(to=NOON)).refuses(TestClockIsMissing)


@pytest.mark.parametrize("year", [2037, 2201, 9999])
def test_a_leap_has_a_limit(year: int) -> None:
    """A mistyped year must not close centuries of periods."""
    clock.given(STARTED).when(AdvanceTestClock(to=on(1, 31, year=year))).refuses(TestClockLeapsTooFar)


@pytest.mark.parametrize("year", [1, 1969, 2201, 9999])
def test_a_clock_starts_in_the_age_of_computers(year: int) -> None:
    """Zone rules before 1970 and after 2200 mean nothing."""
    clock.when(StartTestClock(now=on(1, 31, year=year))).refuses(TestClockLeapsTooFar)
