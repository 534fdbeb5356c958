"""Events of test clocks."""

from datetime import datetime

from shared.framework.core.event import Event


class TestClockStarted(Event, frozen=True, kw_only=True):
    """A test clock was started: the tenant's time is `now` until it is advanced."""

    __test__ = False  # pytest: not a test
    wire_name = "subscriptions.test-clock.started.v1"

    now: datetime


class TestClockAdvanced(Event, frozen=True, kw_only=True):
    """A test clock was advanced; timers that fall due by then fire each at its own due time."""

    __test__ = False
    wire_name = "subscriptions.test-clock.advanced.v1"

    now: datetime
