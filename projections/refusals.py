"""How the read side says no."""

from shared.framework.core.refusals import Refusal, RefusalKind


class CursorIsUnreadable(Refusal):
    """A cursor is only ever one that an earlier answer gave."""

    code = "cursor-unreadable"
    kind = RefusalKind.INVALID


class OperationIsUnknown(Refusal):
    """The query holds no operation of this name."""

    code = "operation-unknown"
    kind = RefusalKind.INVALID


class PageIsTooLarge(Refusal):
    """A page holds 1 to 100 rows."""

    code = "page-too-large"
    kind = RefusalKind.INVALID


class InstantIsInvalid(Refusal):
    """A moment is an RFC 3339 instant with an offset."""

    code = "moment-invalid"
    kind = RefusalKind.INVALID


class HistoryScopeIsMissing(Refusal):
    """Name either a stream_id or a customer_id."""

    code = "history-of-nobody"
    kind = RefusalKind.INVALID


class HistoryIsForbidden(Refusal):
    """A customer may read only the history that is their own."""

    code = "history-not-yours"
    kind = RefusalKind.FORBIDDEN
