"""Refusals of the read side."""

from shared.framework.core.refusals import Refusal, RefusalKind


class CursorIsUnreadable(Refusal):
    """The cursor was not issued by this API."""

    code = "cursor-invalid"
    kind = RefusalKind.INVALID


class CursorIsOutdated(Refusal):
    """The cursor is from an earlier state of the read side; start again without it."""

    code = "cursor-outdated"
    kind = RefusalKind.INVALID


class LinesNeedPages(Refusal):
    """The invoice has more than 100 lines; read them by linePages."""

    code = "lines-need-pages"
    kind = RefusalKind.INVALID


class OperationIsUnknown(Refusal):
    """The query contains no operation with this name."""

    code = "operation-unknown"
    kind = RefusalKind.INVALID


class PageIsTooLarge(Refusal):
    """A page holds 1 to 100 rows."""

    code = "page-too-large"
    kind = RefusalKind.INVALID


class TenantIsBusy(Refusal):
    """Too many queries of this tenant are waiting; try again later."""

    code = "queries-overloaded"
    kind = RefusalKind.UNAVAILABLE


class HistoryScopeIsMissing(Refusal):
    """Exactly one of stream_id and customer_id is required."""

    code = "history-scope-missing"
    kind = RefusalKind.INVALID


class HistoryIsForbidden(Refusal):
    """A customer may read only their own history."""

    code = "history-forbidden"
    kind = RefusalKind.FORBIDDEN
