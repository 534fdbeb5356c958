"""Every way in which ingest says no to a whole request; single events are rejected by `faults`."""

from shared.framework.core.refusals import Kind, Refusal


class UsageIsNotJson(Refusal):
    """The body is not JSON in UTF-8."""

    code = "usage-not-json"
    kind = Kind.INVALID


class UsageIsNotEvents(Refusal):
    """The body must be one CloudEvent, or an array of 1 to 1000 of them."""

    code = "usage-not-events"
    kind = Kind.INVALID


class TooManyEvents(Refusal):
    """One request holds at most 1000 events."""

    code = "too-many-events"
    kind = Kind.TOO_LARGE
