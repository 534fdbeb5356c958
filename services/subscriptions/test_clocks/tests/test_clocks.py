"""Stories of test clocks: taken in hand once, then only forward."""

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
from services.subscriptions.tests.stories import DAY, NOON, on
from shared.billing.contracts.subscriptions.test_clocks import TestClockAdvanced, TestClockStarted
from shared.framework.testing.spec import Spec

clock = Spec(TEST_CLOCK)
STANDING = TestClockStarted(now=NOON)


def test_a_tenants_time_is_taken_in_hand() -> None:
    """It stands where it was put."""
    clock.when(StartTestClock(now=NOON)).then(STANDING)


def test_the_same_start_again_changes_nothing() -> None:
    """As long as it still stands there."""
    clock.given(STANDING).when(StartTestClock(now=NOON)).then_nothing()


@pytest.mark.parametrize("now", [NOON - DAY, NOON + DAY])
def test_a_tenant_has_one_test_clock(now: object) -> None:
    """It is advanced, not started anew; least of all in the past."""
    clock.given(STANDING).when(StartTestClock(now=now)).refuses(TestClockExists)  # type: ignore[arg-type]


def test_time_moves_forward() -> None:
    """As often as need be."""
    (
        clock.given(STANDING)
        .when(AdvanceTestClock(to=on(2, 28)))
        .then(TestClockAdvanced(now=on(2, 28)))
        .when(AdvanceTestClock(to=on(3, 31)))
        .then(TestClockAdvanced(now=on(3, 31)))
    )


def test_moving_to_where_it_stands_changes_nothing() -> None:
    """Asked twice, done once."""
    clock.given(STANDING).when(AdvanceTestClock(to=NOON)).then_nothing()


def test_time_never_runs_backwards() -> None:
    """Not by a microsecond: what happened would lie in the future."""
    clock.given(STANDING).when(AdvanceTestClock(to=NOON - timedelta(microseconds=1))).refuses(
        TestClockCannotGoBack
    )


def test_real_time_cannot_be_advanced() -> None:
    """A tenant must have been taken out of it first."""
    clock.when(AdvanceTestClock(to=NOON)).refuses(TestClockIsMissing)


@pytest.mark.parametrize("year", [2037, 2201, 9999])
def test_a_leap_has_a_limit(year: int) -> None:
    """A mistyped year must not play centuries of periods."""
    clock.given(STANDING).when(AdvanceTestClock(to=on(1, 31, year=year))).refuses(TestClockLeapsTooFar)


@pytest.mark.parametrize("year", [1, 1969, 2201, 9999])
def test_a_clock_starts_in_the_age_of_computers(year: int) -> None:
    """Zone rules before 1970 and after 2200 mean nothing."""
    clock.when(StartTestClock(now=on(1, 31, year=year))).refuses(TestClockLeapsTooFar)
