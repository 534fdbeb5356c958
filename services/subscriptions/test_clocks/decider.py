"""Every way in which this domain says no."""

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
    """Take this tenant out of the real time: it stands still at `now`."""

    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvanceTestClock:
    """Move the tenant's time forward."""

    to: datetime


TestClockCommand = StartTestClock | AdvanceTestClock


LEAP_MAX = timedelta(days=3653)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class NoTestClock:
    """The tenant lives by the system's clock."""


@dataclass(frozen=True, slots=True)
class FrozenClock:
    """The tenant's time stands at `now`."""

    now: datetime


TestClockState = NoTestClock | FrozenClock
TestClockEvent = TestClockStarted | TestClockAdvanced


def decide(state: TestClockState, command: TestClockCommand) -> Sequence[TestClockEvent]:
    """A tenant's time is taken in hand once, and from then on only goes forward."""
    match state, command:
        case NoTestClock(), StartTestClock(now=now):
            return [TestClockStarted(now=_in_range(now))]
        case FrozenClock(now=now), StartTestClock(now=asked):
            if asked != now:
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


def _in_range(moment: datetime) -> datetime:
    if not EARLIEST <= moment <= LATEST:
        raise TestClockLeapsTooFar(moment.isoformat())
    return moment


def evolve(state: TestClockState, event: TestClockEvent) -> TestClockState:
    """What is true after this event."""
    match state, event:
        case NoTestClock(), TestClockStarted():
            return FrozenClock(event.now)
        case FrozenClock(), TestClockAdvanced():
            return FrozenClock(event.now)
    raise ImpossibleHistory(state, event)


TEST_CLOCK: Decider[TestClockState, TestClockCommand, TestClockEvent] = Decider(NoTestClock(), decide, evolve)
