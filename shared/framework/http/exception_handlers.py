"""Exception handlers: exceptions of FastAPI and of routes become problems."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException

from shared.framework.core.refusals import Refusal, ValueIsInvalid
from shared.framework.http.command_endpoint import KEY_HEADER
from shared.framework.http.problem import FieldError, pointer, problem_response
from shared.framework.http.refusals import (
    BodyIsNotJson,
    IdempotencyKeyIsInvalid,
    IdempotencyKeyIsMissing,
    MethodIsNotAllowed,
    RequestIsInvalid,
    RouteIsUnknown,
)


def install_exception_handlers(app: FastAPI) -> None:
    """Answer refusals, invalid requests and unknown routes with problems."""
    app.exception_handler(Refusal)(_on_refusal)
    app.exception_handler(RequestValidationError)(_on_invalid_request)
    app.exception_handler(HTTPException)(_on_http_exception)


async def _on_refusal(request: Request, refusal: Refusal) -> Response:
    return problem_response(refusal, request.url.path)


async def _on_invalid_request(request: Request, error: RequestValidationError) -> Response:
    refusal = _key_refusal(error.errors())
    if refusal is not None:
        return problem_response(refusal, request.url.path)
    errors = [_field_error(item) for item in error.errors()]
    detail = f"{len(errors)} thing(s) to correct, see errors"
    return problem_response(RequestIsInvalid(detail), request.url.path, errors)


def _field_error(item: dict[str, Any]) -> FieldError:
    """The error of one field; a reader of our own may say which part of its value is wrong."""
    cause = item.get("ctx", {}).get("error")
    inner = cause.field if isinstance(cause, ValueIsInvalid) else ()
    return FieldError(pointer((*item["loc"], *inner)), item["msg"])


def _key_refusal(errors: Sequence[Any]) -> Refusal | None:
    """The refusal for a missing or invalid Idempotency-Key (draft 07); None if it is valid."""
    error = next((item for item in errors if tuple(item["loc"]) == ("header", KEY_HEADER)), None)
    match error:
        case None:
            return None
        case {"type": "missing"}:
            return IdempotencyKeyIsMissing(KEY_HEADER)
        case _:
            return IdempotencyKeyIsInvalid(error["msg"])


async def _on_http_exception(request: Request, error: HTTPException) -> Response:
    path = request.url.path
    match error.status_code:
        case 404:
            return problem_response(RouteIsUnknown(path), path)
        case 405:
            return problem_response(MethodIsNotAllowed(request.method, _methods_at(request.app, path)), path)
        case _:
            return problem_response(BodyIsNotJson(str(error.detail)), path)


def _methods_at(app: FastAPI, path: str) -> set[str]:
    """All methods of a path; Starlette would return those of the first matching route only."""
    matching = (route for route in iter_route_contexts(app.routes) if route.path_regex.match(path))
    return {method for route in matching for method in route.methods or ()}
