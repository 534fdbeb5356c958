"""Problems (RFC 9457): the HTTP responses of refusals."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from starlette.responses import Response

from shared.framework.core.refusals import Refusal, RefusalKind
from shared.framework.eventstore.idempotency import KeyIsInFlight
from shared.framework.eventstore.ports import StreamIsBusy, TestClockIsAdvancing
from shared.framework.http.read_your_writes import POSITION_HEADER, WAIT_FOR_HEADER
from shared.framework.http.refusals import HttpRefusal, MethodIsNotAllowed, PositionIsNotReached
from shared.framework.observability.tracing import current_trace_id

MEDIA_TYPE = "application/problem+json"

STATUS: Mapping[RefusalKind, int] = {
    RefusalKind.INVALID: 400,
    RefusalKind.UNAUTHENTICATED: 401,
    RefusalKind.FORBIDDEN: 403,
    RefusalKind.NOT_FOUND: 404,
    RefusalKind.CONFLICT: 409,
    RefusalKind.UNPROCESSABLE: 422,
    RefusalKind.TOO_LARGE: 413,
    RefusalKind.UNSUPPORTED: 415,
    RefusalKind.UNAVAILABLE: 503,
}

RETRY_AFTER_S: Mapping[type[Refusal], str] = {
    KeyIsInFlight: "1",
    StreamIsBusy: "1",
    TestClockIsAdvancing: "1",
    PositionIsNotReached: "1",
}


class FieldError(msgspec.Struct, frozen=True):
    """An error in one field; `pointer` is a JSON pointer (RFC 6901) into body, query, path or headers."""

    pointer: str
    detail: str


def pointer(location: Iterable[object]) -> str:
    """`("body", "lines", 0, "minor")` is `/body/lines/0/minor` (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)


def status_of(refusal: Refusal) -> int:
    """The status of a refusal: its own or that of its kind."""
    return refusal.status if isinstance(refusal, HttpRefusal) else STATUS[refusal.kind]


def problem_body(refusal: Refusal, path: str, errors: Sequence[FieldError] = ()) -> bytes:
    """The problem document of a refusal, as JSON; `path`: of the request."""
    body: dict[str, Any] = {
        "type": f"urn:tollhouse:refusal:{refusal.code}",
        "title": refusal.title,
        "status": status_of(refusal),
        "detail": _detail(refusal),
        "instance": path,
        "code": refusal.code,
    }
    if refusal.field and not errors:
        errors = [FieldError(pointer(("body", *refusal.field)), body["detail"])]
    if errors:
        body["errors"] = errors
    trace_id = current_trace_id()
    if trace_id is not None:
        body["trace_id"] = trace_id
    return msgspec.json.encode(body)


def _detail(refusal: Refusal) -> str:
    detail = " ".join(map(str, refusal.args)) or refusal.title
    if refusal.reference_to is None:
        return detail
    return (
        f"{detail} is not known here, after waiting for what {refusal.reference_to} has written. To refer to "
        f"what you have just written, send its {POSITION_HEADER} as {WAIT_FOR_HEADER}."
    )


def problem_headers(refusal: Refusal) -> dict[str, str]:
    """The headers of a problem: content type, Retry-After, WWW-Authenticate, Allow."""
    headers = {"content-type": MEDIA_TYPE}
    if status_of(refusal) == 401:
        headers["www-authenticate"] = 'Bearer realm="tollhouse"'
    if isinstance(refusal, MethodIsNotAllowed):
        headers["allow"] = ", ".join(refusal.allowed)
    retry_after = RETRY_AFTER_S.get(type(refusal), "5" if refusal.kind is RefusalKind.UNAVAILABLE else None)
    return headers if retry_after is None else {**headers, "retry-after": retry_after}


def problem_response(refusal: Refusal, path: str, errors: Sequence[FieldError] = ()) -> Response:
    """The HTTP response of a refusal, which is an ASGI application too, for middleware and raw routes."""
    return Response(problem_body(refusal, path, errors), status_of(refusal), problem_headers(refusal))
