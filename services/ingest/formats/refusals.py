"""Refusals of a whole request body; a single event is rejected with a reason (events/validation.py)."""

from shared.framework.core.refusals import Refusal, RefusalKind


class UsageIsNotJson(Refusal):
    """The body is not JSON in UTF-8."""

    code = "usage-not-json"
    kind = RefusalKind.INVALID


class UsageIsNotEvents(Refusal):
    """The body must be one CloudEvent, or an array of 1 to 1000 of them."""

    code = "usage-not-cloudevents"
    kind = RefusalKind.INVALID


class TooManyEvents(Refusal):
    """A request contains at most 1000 events."""

    code = "too-many-events"
    kind = RefusalKind.TOO_LARGE
