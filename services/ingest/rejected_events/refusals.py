"""Every way in which ingest says no to a whole request; single events are rejected by `faults`."""

from shared.framework.core.refusals import Kind, Refusal


class CursorIsUnreadable(Refusal):
    """A cursor is the `next_cursor` of an earlier page."""

    code = "cursor-unreadable"
    kind = Kind.INVALID
