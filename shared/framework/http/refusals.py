"""Refusals of the HTTP layer itself; those of a domain are Refusal classes of its own."""

from collections.abc import Iterable
from typing import ClassVar

from shared.framework.core.refusals import Refusal, RefusalKind


class RequestIsInvalid(Refusal):
    """The request does not have the shape that this route takes."""

    code = "request-invalid"
    kind = RefusalKind.INVALID


class BodyIsNotJson(Refusal):
    """The body is not JSON in UTF-8."""

    code = "body-not-json"
    kind = RefusalKind.INVALID


class BodyIsNotStorable(Refusal):
    """The body holds what nothing here can store or count: NaN, NUL, huge numbers or endless depth."""

    code = "body-hostile"
    kind = RefusalKind.INVALID


class BodyIsTooLarge(Refusal):
    """The body is larger than this route takes."""

    code = "body-too-large"
    kind = RefusalKind.TOO_LARGE


class MediaTypeIsUnsupported(Refusal):
    """This route takes JSON, without content coding."""

    code = "media-type-unsupported"
    kind = RefusalKind.UNSUPPORTED


class PositionIsUnreadable(Refusal):
    """A position to wait for is spelt context:partition:position, as Tollhouse-Position gave it."""

    code = "position-unreadable"
    kind = RefusalKind.INVALID


class IdempotencyKeyIsMissing(Refusal):
    """This command needs an Idempotency-Key header, so that asking twice does it once."""

    code = "idempotency-key-missing"
    kind = RefusalKind.INVALID


class IdempotencyKeyIsInvalid(Refusal):
    """An Idempotency-Key is 1 to 255 visible ASCII characters."""

    code = "idempotency-key-invalid"
    kind = RefusalKind.INVALID


class ProcessIsUnavailable(Refusal):
    """Something that this needs does not answer; nothing was written, try again."""

    code = "temporarily-unavailable"
    kind = RefusalKind.UNAVAILABLE


class HttpRefusal(Refusal):
    """A no that only HTTP knows, with a status of its own."""

    kind = RefusalKind.INVALID
    status: ClassVar[int]


class RouteIsUnknown(HttpRefusal):
    """There is nothing at this path."""

    code = "route-unknown"
    status = 404


class MethodIsNotAllowed(HttpRefusal):
    """This path does not take this method."""

    code = "method-not-allowed"
    status = 405

    def __init__(self, method: str, allowed: Iterable[str]) -> None:
        """Say which methods the path does take (RFC 9110, 15.5.6)."""
        super().__init__(method)
        self.allowed = tuple(sorted(allowed))


class RequestHeadIsTooLarge(HttpRefusal):
    """The request line and headers together are larger than this server reads."""

    code = "head-too-large"
    status = 431


class RequestHeadIsTooSlow(HttpRefusal):
    """The request line and headers did not come within their time."""

    code = "head-too-slow"
    status = 408


class BodyIsTooSlow(HttpRefusal):
    """The body did not come within its time; nothing was done."""

    code = "body-too-slow"
    status = 408


class PositionIsNotReached(HttpRefusal):
    """This process has not heard that position yet; ask again."""

    code = "position-not-reached"
    status = 504


class InternalError(HttpRefusal):
    """An error on our side; it is logged with this trace id."""

    code = "internal-error"
    status = 500
