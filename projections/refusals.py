"""How the read side says no."""

from shared.framework.core.refusals import Kind, Refusal


class CursorIsUnreadable(Refusal):
    """A cursor is only ever one that an earlier answer gave."""

    code = "cursor-unreadable"
    kind = Kind.INVALID


class OperationIsUnknown(Refusal):
    """The query holds no operation of this name."""

    code = "operation-unknown"
    kind = Kind.INVALID


class PageIsTooLarge(Refusal):
    """A page holds 1 to 100 rows."""

    code = "page-too-large"
    kind = Kind.INVALID


class MomentIsInvalid(Refusal):
    """A moment is an RFC 3339 instant with an offset."""

    code = "moment-invalid"
    kind = Kind.INVALID


class HistoryIsAskedOfNobody(Refusal):
    """Name either a stream_id or a customer_id."""

    code = "history-of-nobody"
    kind = Kind.INVALID


class HistoryIsNotYours(Refusal):
    """A customer may read only the history that is their own."""

    code = "history-not-yours"
    kind = Kind.FORBIDDEN
