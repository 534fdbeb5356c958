"""What subscriptions tells: customers, plans, who pays for what, and when a period is over."""

from datetime import datetime

from shared.framework.core.event import Event


class TestClockStarted(Event, frozen=True, kw_only=True):
    """This tenant's time stands still at `now` until it is advanced."""

    __test__ = False  # pytest: this is no test
    wire_name = "subscriptions.test-clock.started.v1"

    now: datetime


class TestClockAdvanced(Event, frozen=True, kw_only=True):
    """This tenant's time has moved forward; all that falls due in between happens at its own moment."""

    __test__ = False
    wire_name = "subscriptions.test-clock.advanced.v1"

    now: datetime
