"""Every way in which ingest says no to a whole request; single events are rejected by `faults`."""

from shared.framework.core.refusals import Refusal, RefusalKind


class IngestIsBusy(Refusal):
    """More usage is waiting than can be written soon; nothing of this request was accepted, send it again."""

    code = "ingest-busy"
    kind = RefusalKind.UNAVAILABLE


class UsageIsContended(Refusal):
    """The same events are being accepted elsewhere at this moment; send them again."""

    code = "usage-contended"
    kind = RefusalKind.UNAVAILABLE
