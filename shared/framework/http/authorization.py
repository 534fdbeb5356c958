"""Deny by default: every route says which scope it needs, or the process does not start."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Security, params
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from fastapi.security import HTTPBearer, SecurityScopes
from starlette.requests import HTTPConnection
from starlette.routing import WebSocketRoute

from shared.framework.http.credential import Credential
from shared.framework.http.read_your_writes import WAIT_FOR_HEADER, parse_tokens, wait_for
from shared.framework.http.service_context import service_context_of

CREDENTIAL_IN_SCOPE = "tollhouse.credential"
"""Where the gate leaves the verified credential for the routes behind it."""

OPEN_PATHS = frozenset({"/health/live", "/health/ready", "/metrics", "/openapi.json", "/docs"})
OPEN_FOLDERS = ("/docs/",)

BEARER = HTTPBearer(
    auto_error=False, scheme_name="Bearer", bearerFormat="JWT", description="A JWT (RS256) or an API key."
)


class RouteHasNoScope(Exception):
    """A route was offered to create_app without `requires(...)`."""


@dataclass(frozen=True, slots=True)
class ScopeRequirement:
    """What a route demands before anything of it runs; then it waits for positions, if it was asked to."""

    every_tenant: bool

    async def __call__(
        self, request: Request, needed: SecurityScopes, _: Annotated[Any, Security(BEARER)]
    ) -> None:
        """Check the scopes, then heed Tollhouse-Wait-For."""
        credential = credential_of(request)
        for scope in needed.scopes:
            credential.require(scope, every_tenant=self.every_tenant)
        await wait_for_positions(request)


def requires(scope: str, *, every_tenant: bool = False) -> params.Security:
    """For a route's (or router's) `dependencies=[...]`: this scope, else 403.

    `every_tenant`: only credentials of role `service` with tenant "*" pass (feed, progress); everywhere
    else exactly those do not.
    """
    return params.Security(ScopeRequirement(every_tenant), scopes=[scope])


async def wait_for_positions(request: HTTPConnection) -> None:
    """Wait for the positions in Tollhouse-Wait-For, if there are any; PositionIsUnreadable, NotYetThere."""
    if WAIT_FOR_HEADER in request.headers:
        service = service_context_of(request)
        marks = parse_tokens(request.headers[WAIT_FOR_HEADER])
        await wait_for(marks, service.waiter, own_context=service.store.context)


def credential_of(request: HTTPConnection) -> Credential:
    """The credential that the gate has verified."""
    credential: Credential = request.scope[CREDENTIAL_IN_SCOPE]
    return credential


async def _caller(request: Request) -> Credential:
    return credential_of(request)


Caller = Annotated[Credential, Depends(_caller)]
"""Who asks; `caller.tenant_id` is the only tenant that a route may look at."""


def is_open(path: str) -> bool:
    """Whether anybody may ask for this path."""
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDERS)


def scopes_of(route: RouteContext) -> frozenset[str]:
    """The scopes that a route, or a router around it, declares through `requires`."""
    if not isinstance(route.original_route, APIRoute):
        return frozenset()
    rules = (part for part in _parts(route.dependant) if isinstance(part.call, ScopeRequirement))
    return frozenset(scope for rule in rules for scope in rule.own_oauth_scopes or ())


def require_scopes_on_all_routes(app: FastAPI) -> None:
    """Raise RouteHasNoScope, naming them, if any route of the application is open to everybody.

    Web sockets have no rule because the gate lets none in.
    """
    routes = [r for r in iter_route_contexts(app.routes) if not isinstance(r.original_route, WebSocketRoute)]
    bare = [f"{r.methods} {r.path}" for r in routes if not is_open(r.path or "") and not scopes_of(r)]
    if bare:
        raise RouteHasNoScope(", ".join(bare))


def _parts(dependant: Dependant) -> Iterable[Dependant]:
    for part in dependant.dependencies:
        yield part
        yield from _parts(part)
