"""Authorization: each route requires a scope; an application with a route without one is not built."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Protocol

from fastapi import Depends, FastAPI, Request, Security, params
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from fastapi.security import HTTPBearer, SecurityScopes
from starlette.requests import HTTPConnection
from starlette.routing import WebSocketRoute

from shared.framework.core.refusals import Refusal, RefusalKind
from shared.framework.core.text import flaw_of_identifier
from shared.framework.http.read_your_writes import WAIT_FOR_HEADER, parse_tokens, wait_for
from shared.framework.http.service_context import service_context_of

EVERY_TENANT = "*"
"""The tenant of Tollhouse's own services, which read feeds and act for no tenant."""

SUBJECT_MAX = 256
_TENANT = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)

RawHeaders = Iterable[tuple[bytes, bytes]]
"""ASGI headers: lower-case names and values as bytes."""


class CredentialIsNotAccepted(Refusal):
    """A valid credential is required."""

    code = "credential-invalid"
    kind = RefusalKind.UNAUTHENTICATED


class ScopeIsMissing(Refusal):
    """The credential lacks the required scope."""

    code = "scope-missing"
    kind = RefusalKind.FORBIDDEN


class TenantIsMissing(Refusal):
    """This route acts for one tenant, and the credential names none."""

    code = "tenant-missing"
    kind = RefusalKind.FORBIDDEN


class CrossTenantAccessIsForbidden(Refusal):
    """Only Tollhouse's own services may read across tenants."""

    code = "cross-tenant-access-forbidden"
    kind = RefusalKind.FORBIDDEN


class RoleIsForbidden(Refusal):
    """A customer's credential may use only routes that show it nothing but its own customer."""

    code = "role-forbidden"
    kind = RefusalKind.FORBIDDEN


class Role(StrEnum):
    """The role of the holder of a credential."""

    BILLING_ADMIN = "billing_admin"
    BILLING_VIEWER = "billing_viewer"
    AUDITOR = "auditor"
    CUSTOMER = "customer"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Credential:
    """A verified JWT or API key. `expires_at` None: it does not expire."""

    subject: str
    tenant_id: str
    role: Role
    scopes: frozenset[str]
    expires_at: datetime | None = None

    @property
    def is_cross_tenant(self) -> bool:
        """Whether it belongs to one of Tollhouse's own services, for all tenants."""
        return self.tenant_id == EVERY_TENANT

    @property
    def customer_id(self) -> str | None:
        """The only customer that this credential may read; None: every customer of its tenant.

        The subject of a credential of role `customer` is a customer id.
        """
        return self.subject if self.role is Role.CUSTOMER else None

    def require(self, scope: str, *, every_tenant: bool = False, customers: bool = False) -> None:
        """Check the scope, the kind of tenant and the role. `customers`: see `requires`.

        Raises ScopeIsMissing, CrossTenantAccessIsForbidden, TenantIsMissing, RoleIsForbidden.
        """
        if scope not in self.scopes:
            raise ScopeIsMissing(scope)
        if every_tenant and not self.is_cross_tenant:
            raise CrossTenantAccessIsForbidden(scope)
        if self.is_cross_tenant and not every_tenant:
            raise TenantIsMissing(scope)
        if self.role is Role.CUSTOMER and not customers:
            raise RoleIsForbidden(scope)


def credential_from(claims: Mapping[str, Any], *, subject: str, expires_at: datetime) -> Credential:
    """The credential of the claims `tenant`, `role` and `scopes`. Raises ValueError, KeyError."""
    tenant_id, role, scopes = claims["tenant"], Role(claims["role"]), claims["scopes"]
    if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
        raise ValueError("scopes is a list of words")
    if not 0 < len(subject) <= SUBJECT_MAX:
        raise ValueError("the subject is a short text")
    # It is stored as the actor of events, and for the role customer it names the customer.
    if flaw := flaw_of_identifier(subject):
        raise ValueError(f"the subject {flaw}")
    if tenant_id == EVERY_TENANT and role is not Role.SERVICE:
        raise ValueError("only a service may be of every tenant")
    if tenant_id != EVERY_TENANT and not (isinstance(tenant_id, str) and _TENANT.fullmatch(tenant_id)):
        raise ValueError("the tenant is an identifier")
    return Credential(subject, tenant_id, role, frozenset(scopes), expires_at)


class Authenticator(Protocol):
    """Port of authentication."""

    def authenticate(self, headers: RawHeaders) -> Credential:
        """The verified credential of a request. Raises CredentialIsNotAccepted, without details."""

    def warnings(self) -> Sequence[str]:
        """What is wrong with the keys that it verifies by, for /health/ready; it works all the same."""


CREDENTIAL_IN_SCOPE = "tollhouse.credential"
"""Key of the verified credential in the ASGI scope."""

OPEN_PATHS = frozenset({"/health/live", "/health/ready", "/metrics", "/openapi.json", "/docs"})
OPEN_FOLDERS = ("/docs/",)

BEARER = HTTPBearer(
    auto_error=False, scheme_name="Bearer", bearerFormat="JWT", description="A JWT (RS256) or an API key."
)


class RouteHasNoScope(Exception):
    """A route has no `requires(...)`."""


@dataclass(frozen=True, slots=True)
class ScopeRequirement:
    """FastAPI dependency that checks the scopes of a route, then waits for Tollhouse-Wait-For."""

    every_tenant: bool
    customers: bool = False

    async def __call__(
        self, request: Request, needed: SecurityScopes, _: Annotated[Any, Security(BEARER)]
    ) -> None:
        """Raise the refusals of Credential.require, or PositionIsNotReached."""
        credential = credential_of(request)
        for scope in needed.scopes:
            credential.require(scope, every_tenant=self.every_tenant, customers=self.customers)
        await wait_for_positions(request)


def requires(scope: str, *, every_tenant: bool = False, customers: bool = False) -> params.Security:
    """The dependency that requires this scope, for `dependencies=[...]` of a route or router; else 403.

    `every_tenant`: requires a credential of role `service` for tenant "*" (feed, progress). Without it such
    credentials are refused. `customers`: the route shows a credential of role `customer` nothing but what
    belongs to `Credential.customer_id`; without it such credentials are refused, whatever their scopes.
    """
    return params.Security(ScopeRequirement(every_tenant, customers), scopes=[scope])


async def wait_for_positions(request: HTTPConnection) -> None:
    """Wait for the positions in Tollhouse-Wait-For. Raises PositionIsUnreadable, PositionIsNotReached."""
    if WAIT_FOR_HEADER in request.headers:
        service = service_context_of(request)
        # A list may be given in several lines (RFC 9110, 5.3).
        tokens = parse_tokens(",".join(request.headers.getlist(WAIT_FOR_HEADER)))
        await wait_for(tokens, service.waiter, own_context=service.store.context)


def credential_of(request: HTTPConnection) -> Credential:
    """The verified credential of a request."""
    credential: Credential = request.scope[CREDENTIAL_IN_SCOPE]
    return credential


async def _caller(request: Request) -> Credential:
    return credential_of(request)


Caller = Annotated[Credential, Depends(_caller)]
"""The credential of the request; a route may only access `caller.tenant_id`."""


def is_open(path: str) -> bool:
    """Whether a path needs no credential."""
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDERS)


def scopes_of(route: RouteContext) -> frozenset[str]:
    """The scopes that a route or its routers require."""
    if not isinstance(route.original_route, APIRoute):
        return frozenset()
    rules = (part for part in _parts(route.dependant) if isinstance(part.call, ScopeRequirement))
    return frozenset(scope for rule in rules for scope in rule.own_oauth_scopes or ())


def admits_customers(route: RouteContext) -> bool:
    """Whether credentials of role `customer` may use a route: all that it requires say so."""
    if not isinstance(route.original_route, APIRoute):
        return False
    rules = [part.call for part in _parts(route.dependant) if isinstance(part.call, ScopeRequirement)]
    return bool(rules) and all(rule.customers for rule in rules)


def require_scopes_on_all_routes(app: FastAPI) -> None:
    """Raise RouteHasNoScope if a route outside OPEN_PATHS requires no scope.

    Web sockets are not checked: AuthenticationMiddleware closes them.
    """
    routes = [r for r in iter_route_contexts(app.routes) if not isinstance(r.original_route, WebSocketRoute)]
    unscoped = [f"{r.methods} {r.path}" for r in routes if not is_open(r.path or "") and not scopes_of(r)]
    if unscoped:
        raise RouteHasNoScope(", ".join(unscoped))


def _parts(dependant: Dependant) -> Iterable[Dependant]:
    for part in dependant.dependencies:
        yield part
        yield from _parts(part)
