"""Every way in which ingest says no to a whole request; single events are rejected by `faults`."""

from shared.framework.core.refusals import Refusal, RefusalKind


class CursorIsUnreadable(Refusal):
    """The cursor is not the `next_cursor` of an earlier page."""

    code = "cursor-invalid"
    kind = RefusalKind.INVALID
