"""A tenant's test clock: started once, then only advanced."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.billing.contracts.subscriptions.test_clocks import TestClockAdvanced, TestClockStarted
from shared.framework.core.decider import Decider
from shared.framework.core.refusals import ImpossibleHistory, Refusal, RefusalKind


class TestClockIsMissing(Refusal):
    """This tenant has no test clock."""

    __test__ = False  # pytest: not a test
    code = "test-clock-missing"
    kind = RefusalKind.CONFLICT


class TestClockExists(Refusal):
    """This tenant already has a test clock."""

    __test__ = False
    code = "test-clock-exists"
    kind = RefusalKind.CONFLICT


class TestClockCannotGoBack(Refusal):
    """A test clock cannot go back."""

    __test__ = False
    code = "test-clock-cannot-go-back"
    kind = RefusalKind.UNPROCESSABLE


class TestClockLeapsTooFar(Refusal):
    """A test clock advances by at most ten years at once, and stays between 1970 and 2200."""

    __test__ = False
    code = "test-clock-out-of-range"
    kind = RefusalKind.UNPROCESSABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTestClock:
    """Replace the system clock for this tenant by a clock that stands at `now`."""

    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvanceTestClock:
    """Move the tenant's test clock forward to the instant `to`."""

    to: datetime


TestClockCommand = StartTestClock | AdvanceTestClock

LEAP_MAX = timedelta(days=3653)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class NoTestClock:
    """The tenant uses the system clock."""


@dataclass(frozen=True, slots=True)
class FrozenClock:
    """The tenant's time is `now` until it is advanced."""

    now: datetime


TestClockState = NoTestClock | FrozenClock
TestClockEvent = TestClockStarted | TestClockAdvanced


def decide(state: TestClockState, command: TestClockCommand) -> Sequence[TestClockEvent]:
    """The start or advance, or nothing if the clock already stands at that instant.

    Raises TestClockExists, TestClockIsMissing, TestClockCannotGoBack and TestClockLeapsTooFar.
    """
    match state, command:
        case NoTestClock(), StartTestClock(now=now):
            return [TestClockStarted(now=_in_range(now))]
        case FrozenClock(now=now), StartTestClock(now=requested):
            if requested != now:
                raise TestClockExists(now.isoformat())
            return []
        case NoTestClock(), AdvanceTestClock():
            raise TestClockIsMissing
        case FrozenClock(now=now), AdvanceTestClock(to=to):
            return _advanced(now, to)
    raise AssertionError(command)


def _advanced(now: datetime, to: datetime) -> Sequence[TestClockEvent]:
    if to < now:
        raise TestClockCannotGoBack(f"from {now.isoformat()} to {to.isoformat()}")
    if to - now > LEAP_MAX:
        raise TestClockLeapsTooFar(to.isoformat())
    return [TestClockAdvanced(now=_in_range(to))] if to > now else []


def _in_range(instant: datetime) -> datetime:
    if not EARLIEST <= instant <= LATEST:
        raise TestClockLeapsTooFar(instant.isoformat())
    return instant


def evolve(state: TestClockState, event: TestClockEvent) -> TestClockState:
    """The state after an event."""
    match state, event:
        case (NoTestClock(), TestClockStarted()) | (FrozenClock(), TestClockAdvanced()):
            return FrozenClock(event.now)
    raise ImpossibleHistory(state, event)


TEST_CLOCK: Decider[TestClockState, TestClockCommand, TestClockEvent] = Decider(NoTestClock(), decide, evolve)
