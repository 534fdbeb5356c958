"""Events of test clocks.

An advance is a leap: it starts, moves the clock from instant to instant, and finishes. In histories from
before 2026-11-25 an advance is one TestClockAdvanced, without a start and a finish.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from shared.framework.core.event import Event
from shared.framework.eventstore.records import ClockChange


class TestClockStarted(Event, frozen=True, kw_only=True):
    """A test clock was started: the tenant's time is `now` until it is advanced."""

    __test__ = False  # pytest: not a test
    wire_name = "subscriptions.test-clock.started.v1"

    now: datetime


class TestClockAdvanceStarted(Event, frozen=True, kw_only=True):
    """The clock leaves `now` for `target`; commands of the tenant wait until it is there."""

    __test__ = False
    wire_name = "subscriptions.test-clock.advance-started.v1"

    now: datetime
    target: datetime


class TestClockAdvanced(Event, frozen=True, kw_only=True):
    """The clock was moved to `now`: the target, or an instant before it at which a timer is due."""

    __test__ = False
    wire_name = "subscriptions.test-clock.advanced.v1"

    now: datetime


class TestClockAdvanceFinished(Event, frozen=True, kw_only=True):
    """The clock stands at its target, and all that was due by then has happened.

    `overdue`: by context, the number of timers that failed again and again, which are still tried.
    """

    __test__ = False
    wire_name = "subscriptions.test-clock.advance-finished.v1"

    now: datetime
    overdue: dict[str, int]


def clocks_by_event() -> Mapping[str, Callable[[Any], ClockChange]]:
    """The function that reads the change of the clock from an event, by wire name."""
    return {
        TestClockStarted.wire_name: lambda event: ClockChange(event.now, None),
        TestClockAdvanceStarted.wire_name: lambda event: ClockChange(event.now, event.target),
        TestClockAdvanced.wire_name: lambda event: ClockChange(event.now),
        TestClockAdvanceFinished.wire_name: lambda event: ClockChange(event.now, None),
    }
