"""Every way in which ingest says no to a whole request; single events are rejected by `faults`."""

from shared.framework.core.refusals import Refusal, RefusalKind


class IngestIsBusy(Refusal):
    """The usage queue is full; no event of this request was accepted, try again later."""

    code = "ingest-overloaded"
    kind = RefusalKind.UNAVAILABLE


class UsageIsContended(Refusal):
    """Another request with the same events is in progress; try again later."""

    code = "events-in-flight"
    kind = RefusalKind.UNAVAILABLE
