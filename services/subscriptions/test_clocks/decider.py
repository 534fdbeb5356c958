"""Every way in which this domain says no."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.billing.contracts.subscriptions.test_clocks import TestClockAdvanced, TestClockStarted
from shared.framework.core.decider import Decider
from shared.framework.core.refusals import ImpossibleHistory, Kind, Refusal


class TestClockIsMissing(Refusal):
    """This tenant lives by the real time: start a test clock first."""

    __test__ = False  # pytest: not a test
    code = "test-clock-missing"
    kind = Kind.CONFLICT


class TestClockExists(Refusal):
    """This tenant has a test clock already: advance it."""

    __test__ = False
    code = "test-clock-exists"
    kind = Kind.CONFLICT


class TimeRunsBackwards(Refusal):
    """A test clock only moves forward."""

    code = "test-clock-backwards"
    kind = Kind.UNPROCESSABLE


class TestClockLeapsTooFar(Refusal):
    """A test clock is moved by ten years at most at once, and stays between 1970 and 2200."""

    __test__ = False
    code = "test-clock-out-of-range"
    kind = Kind.UNPROCESSABLE


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
class RealTime:
    """The tenant lives by the system's clock."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The tenant's time stands at `now`."""

    now: datetime


Time = RealTime | Standing
TestClockEvent = TestClockStarted | TestClockAdvanced


def decide(state: Time, command: TestClockCommand) -> Sequence[TestClockEvent]:
    """A tenant's time is taken in hand once, and from then on only goes forward."""
    match state, command:
        case RealTime(), StartTestClock(now=now):
            return [TestClockStarted(now=_in_range(now))]
        case Standing(now=now), StartTestClock(now=asked):
            if asked != now:
                raise TestClockExists(now.isoformat())
            return []
        case RealTime(), AdvanceTestClock():
            raise TestClockIsMissing
        case Standing(now=now), AdvanceTestClock(to=to):
            return _advanced(now, to)
    raise AssertionError(command)


def _advanced(now: datetime, to: datetime) -> Sequence[TestClockEvent]:
    if to < now:
        raise TimeRunsBackwards(f"from {now.isoformat()} to {to.isoformat()}")
    if to - now > LEAP_MAX:
        raise TestClockLeapsTooFar(to.isoformat())
    return [TestClockAdvanced(now=_in_range(to))] if to > now else []


def _in_range(moment: datetime) -> datetime:
    if not EARLIEST <= moment <= LATEST:
        raise TestClockLeapsTooFar(moment.isoformat())
    return moment


def evolve(state: Time, event: TestClockEvent) -> Time:
    """What is true after this event."""
    match state, event:
        case RealTime(), TestClockStarted():
            return Standing(event.now)
        case Standing(), TestClockAdvanced():
            return Standing(event.now)
    raise ImpossibleHistory(state, event)


TEST_CLOCK: Decider[Time, TestClockCommand, TestClockEvent] = Decider(RealTime(), decide, evolve)
