"""Refusals of the HTTP layer."""

from collections.abc import Iterable
from typing import ClassVar

from shared.framework.core.refusals import Refusal, RefusalKind


class RequestIsInvalid(Refusal):
    """The request does not match the schema of this route."""

    code = "request-invalid"
    kind = RefusalKind.INVALID


class BodyIsNotGzip(Refusal):
    """The body is not what its content-encoding says: gzip."""

    code = "body-not-gzip"
    kind = RefusalKind.INVALID


class BodyIsNotJson(Refusal):
    """The body is not JSON in UTF-8."""

    code = "body-not-json"
    kind = RefusalKind.INVALID


class BodyIsNotStorable(Refusal):
    """The body contains NaN, NUL, a number out of range or too deep nesting."""

    code = "body-not-storable"
    kind = RefusalKind.INVALID


class KeyIsRepeated(Refusal):
    """An object of the body has the same key twice; readers would differ in which value counts."""

    code = "body-key-repeated"
    kind = RefusalKind.INVALID


class BodyIsTooLarge(Refusal):
    """The body is larger than this route accepts."""

    code = "body-too-large"
    kind = RefusalKind.TOO_LARGE


class MediaTypeIsUnsupported(Refusal):
    """This route accepts JSON without content encoding only."""

    code = "media-type-unsupported"
    kind = RefusalKind.UNSUPPORTED


class TextIsNotPrintable(Refusal):
    """A text in the path or query has a character that cannot be seen, or is not normalized."""

    code = "text-not-printable"
    kind = RefusalKind.INVALID


class HeaderIsRepeated(Refusal):
    """This header has one value, and was given more than once."""

    code = "header-repeated"
    kind = RefusalKind.INVALID


class PositionIsUnreadable(Refusal):
    """The position must be context:partition:position, as in a Tollhouse-Position header."""

    code = "position-invalid"
    kind = RefusalKind.INVALID


class IdempotencyKeyIsMissing(Refusal):
    """This command requires an Idempotency-Key header."""

    code = "idempotency-key-missing"
    kind = RefusalKind.INVALID


class IdempotencyKeyIsInvalid(Refusal):
    """An Idempotency-Key is 1 to 255 visible ASCII characters."""

    code = "idempotency-key-invalid"
    kind = RefusalKind.INVALID


class ProcessIsUnavailable(Refusal):
    """A required server does not respond; nothing was written, try again later."""

    code = "temporarily-unavailable"
    kind = RefusalKind.UNAVAILABLE


class HttpRefusal(Refusal):
    """Base class of refusals with an HTTP status of their own."""

    kind = RefusalKind.INVALID
    status: ClassVar[int]


class RouteIsUnknown(HttpRefusal):
    """There is nothing at this path."""

    code = "route-unknown"
    status = 404


class MethodIsNotAllowed(HttpRefusal):
    """This path does not support this method."""

    code = "method-not-allowed"
    status = 405

    def __init__(self, method: str, allowed: Iterable[str]) -> None:
        """`allowed`: the methods of the path, for the Allow header (RFC 9110, 15.5.6)."""
        super().__init__(method)
        self.allowed = tuple(sorted(allowed))


class RequestHeadIsTooLarge(HttpRefusal):
    """The request line and headers are larger than the limit."""

    code = "request-head-too-large"
    status = 431


class RequestHeadIsTooSlow(HttpRefusal):
    """The request line and headers were not received in time."""

    code = "request-head-too-slow"
    status = 408


class BodyIsTooSlow(HttpRefusal):
    """The body was not received in time; the request had no effect."""

    code = "body-too-slow"
    status = 408


class PositionIsNotReached(HttpRefusal):
    """This process has not processed that position yet; try again later."""

    code = "position-not-reached"
    status = 504


class InternalError(HttpRefusal):
    """An internal error occurred; it is logged with this trace id."""

    code = "internal-error"
    status = 500
