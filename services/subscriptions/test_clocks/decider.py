"""A tenant's test clock: started once, then only advanced, from instant to instant until its target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from shared.billing.contracts.subscriptions.test_clocks import (
    TestClockAdvanced,
    TestClockAdvanceFinished,
    TestClockAdvanceStarted,
    TestClockStarted,
)
from shared.framework.core.decider import Decider
from shared.framework.core.refusals import ImpossibleHistory, Refusal, RefusalKind
from shared.framework.eventstore.ports import TestClockIsAdvancing


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
    """Let the tenant's test clock advance to the instant `to`."""

    to: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveTestClock:
    """Nothing is left to do at `at`: move on to the instant `to`, at which something is due."""

    at: datetime
    to: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishAdvance:
    """Nothing is left to do at the target. `overdue`: by context, timers that have failed and still wait."""

    at: datetime
    overdue: Mapping[str, int]


TestClockCommand = StartTestClock | AdvanceTestClock | MoveTestClock | FinishAdvance

LEAP_MAX = timedelta(days=3653)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class NoTestClock:
    """The tenant uses the system clock."""


@dataclass(frozen=True, slots=True)
class FrozenClock:
    """The tenant's time is `now` until it is advanced. `overdue`: as in FinishAdvance."""

    now: datetime
    overdue: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AdvancingClock:
    """The tenant's time is `now`, on its way to `target`."""

    now: datetime
    target: datetime


TestClockState = NoTestClock | FrozenClock | AdvancingClock
TestClockEvent = TestClockStarted | TestClockAdvanceStarted | TestClockAdvanced | TestClockAdvanceFinished


def decide(state: TestClockState, command: TestClockCommand) -> Sequence[TestClockEvent]:
    """The start or a step, or nothing if the clock already stands at that instant.

    A step from an instant at which the clock does not stand any more is nothing. Raises TestClockExists,
    TestClockIsMissing, TestClockIsAdvancing, TestClockCannotGoBack and TestClockLeapsTooFar.
    """
    match state, command:
        case NoTestClock(), StartTestClock(now=now):
            return [TestClockStarted(now=_in_range(now))]
        case FrozenClock(now=now) | AdvancingClock(now=now), StartTestClock(now=requested):
            if requested != now:
                raise TestClockExists(now.isoformat())
            return []
        case NoTestClock(), AdvanceTestClock():
            raise TestClockIsMissing
        case FrozenClock(now=now), AdvanceTestClock(to=to):
            return _advance_started(now, to)
        case AdvancingClock(target=target), AdvanceTestClock(to=to):
            if to != target:
                raise TestClockIsAdvancing(f"to {target.isoformat()}")
            return []
        case AdvancingClock(), MoveTestClock() | FinishAdvance():
            return _step(state, command)
    return []


def _step(state: AdvancingClock, command: MoveTestClock | FinishAdvance) -> Sequence[TestClockEvent]:
    match command:
        case MoveTestClock(at=at, to=to) if at == state.now < to <= state.target:
            return [TestClockAdvanced(now=to)]
        case FinishAdvance(at=at, overdue=overdue) if at == state.now == state.target:
            return [TestClockAdvanceFinished(now=at, overdue=dict(overdue))]
    return []


def _advance_started(now: datetime, to: datetime) -> Sequence[TestClockEvent]:
    if to < now:
        raise TestClockCannotGoBack(f"from {now.isoformat()} to {to.isoformat()}")
    if to - now > LEAP_MAX:
        raise TestClockLeapsTooFar(to.isoformat())
    return [TestClockAdvanceStarted(now=now, target=_in_range(to))] if to > now else []


def _in_range(instant: datetime) -> datetime:
    if not EARLIEST <= instant <= LATEST:
        raise TestClockLeapsTooFar(instant.isoformat())
    return instant


def evolve(state: TestClockState, event: TestClockEvent) -> TestClockState:
    """The state after an event."""
    match state, event:
        case (NoTestClock(), TestClockStarted()) | (FrozenClock(), TestClockAdvanced()):
            return FrozenClock(event.now)
        case FrozenClock(), TestClockAdvanceStarted(now=now, target=target):
            return AdvancingClock(now, target)
        case AdvancingClock(target=target), TestClockAdvanced(now=now):
            return AdvancingClock(now, target)
        case AdvancingClock(), TestClockAdvanceFinished(now=now, overdue=overdue):
            return FrozenClock(now, overdue)
    raise ImpossibleHistory(state, event)


TEST_CLOCK: Decider[TestClockState, TestClockCommand, TestClockEvent] = Decider(NoTestClock(), decide, evolve)
