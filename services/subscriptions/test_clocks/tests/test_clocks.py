"""The decider of test clocks: started once, then only advanced."""

from datetime import timedelta

import pytest

from services.subscriptions.test_clocks.decider import (
    TEST_CLOCK,
    AdvanceTestClock,
    FinishAdvance,
    MoveTestClock,
    StartTestClock,
    TestClockCannotGoBack,
    TestClockCommand,
    TestClockEvent,
    TestClockExists,
    TestClockIsMissing,
    TestClockLeapsTooFar,
)
from services.subscriptions.tests.scenarios import DAY, NOON, on
from shared.billing.contracts.subscriptions.test_clocks import (
    TestClockAdvanced,
    TestClockAdvanceFinished,
    TestClockAdvanceStarted,
    TestClockStarted,
)
from shared.framework.eventstore.ports import TestClockIsAdvancing
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


LEAP = TestClockAdvanceStarted(now=NOON, target=on(3, 31))
STEP = TestClockAdvanced(now=on(2, 28))
ARRIVED = TestClockAdvanced(now=on(3, 31))


def test_an_advance_goes_from_instant_to_instant() -> None:
    """It starts, moves, and finishes at its target; then the next one may start."""
    (
        clock.given(STARTED)
        .when(AdvanceTestClock(to=on(3, 31)))
        .then(LEAP)
        .when(MoveTestClock(at=NOON, to=on(2, 28)))
        .then(STEP)
        .when(MoveTestClock(at=on(2, 28), to=on(3, 31)))
        .then(ARRIVED)
        .when(FinishAdvance(at=on(3, 31), overdue={"metering": 1}))
        .then(TestClockAdvanceFinished(now=on(3, 31), overdue={"metering": 1}))
        .when(AdvanceTestClock(to=on(4, 1)))
        .then(TestClockAdvanceStarted(now=on(3, 31), target=on(4, 1)))
    )


@pytest.mark.parametrize(
    "step",
    [
        MoveTestClock(at=NOON, to=on(3, 1)),
        MoveTestClock(at=on(2, 28), to=on(2, 28)),
        MoveTestClock(at=on(2, 28), to=on(4, 1)),
        FinishAdvance(at=on(2, 28), overdue={}),
        FinishAdvance(at=on(3, 31), overdue={}),
    ],
)
def test_a_step_from_elsewhere_or_beyond_the_target_is_nothing(step: TestClockCommand) -> None:
    """Two processes may advance the same clock for a moment."""
    clock.given(STARTED, LEAP, STEP).when(step).then_nothing()


@pytest.mark.parametrize("step", [MoveTestClock(at=NOON, to=on(3, 1)), FinishAdvance(at=NOON, overdue={})])
@pytest.mark.parametrize("before", [[], [STARTED]])
def test_a_clock_that_stands_takes_no_step(before: list[TestClockEvent], step: TestClockCommand) -> None:
    """Another process has finished the advance."""
    clock.given(*before).when(step).then_nothing()


def test_an_advance_has_one_target() -> None:
    """The same again is nothing; another one has to wait."""
    advancing = clock.given(STARTED, LEAP, STEP)
    advancing.when(AdvanceTestClock(to=on(3, 31))).then_nothing()
    advancing.when(AdvanceTestClock(to=on(4, 30))).refuses(TestClockIsAdvancing)
    advancing.when(StartTestClock(now=on(2, 28))).then_nothing()
    advancing.when(StartTestClock(now=NOON)).refuses(TestClockExists)


def test_a_clock_of_before_has_jumped() -> None:
    """Histories from before 2026-11-25 go on from there."""
    (
        clock.given(STARTED, STEP, ARRIVED)
        .when(AdvanceTestClock(to=on(4, 1)))
        .then(TestClockAdvanceStarted(now=on(3, 31), target=on(4, 1)))
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
