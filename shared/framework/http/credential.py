"""Who is asking: tenant, role and scopes come from the credential and from nowhere else."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from shared.framework.core.refusals import Refusal, RefusalKind

EVERY_TENANT = "*"
"""The tenant of the house's own service credentials: they read feeds, and act for nobody."""

SUBJECT_MAX = 256
_TENANT = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)

RawHeaders = Iterable[tuple[bytes, bytes]]
"""Headers as ASGI gives them: lower-case names, undecoded."""


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


class Role(StrEnum):
    """What sort of reader or actor holds the credential."""

    BILLING_ADMIN = "billing_admin"
    BILLING_VIEWER = "billing_viewer"
    AUDITOR = "auditor"
    CUSTOMER = "customer"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Credential:
    """A verified token or API key. `expires_at` None: it does not expire by itself."""

    subject: str
    tenant_id: str
    role: Role
    scopes: frozenset[str]
    expires_at: datetime | None = None

    @property
    def is_cross_tenant(self) -> bool:
        """Whether it is one of the house's own, bound to no tenant."""
        return self.tenant_id == EVERY_TENANT

    def require(self, scope: str, *, every_tenant: bool = False) -> None:
        """Refuse unless the scope is carried and the tenant is of the kind that is asked for."""
        if scope not in self.scopes:
            raise ScopeIsMissing(scope)
        if every_tenant and not self.is_cross_tenant:
            raise CrossTenantAccessIsForbidden(scope)
        if self.is_cross_tenant and not every_tenant:
            raise TenantIsMissing(scope)


def credential_from(claims: Mapping[str, Any], *, subject: str, expires_at: datetime) -> Credential:
    """The credential that `tenant`, `role` and `scopes` describe; ValueError or KeyError if they do not."""
    tenant_id, role, scopes = claims["tenant"], Role(claims["role"]), claims["scopes"]
    if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
        raise ValueError("scopes is a list of words")
    if not 0 < len(subject) <= SUBJECT_MAX:
        raise ValueError("the subject is a short text")
    if tenant_id == EVERY_TENANT and role is not Role.SERVICE:
        raise ValueError("only a service may be of every tenant")
    if tenant_id != EVERY_TENANT and not (isinstance(tenant_id, str) and _TENANT.fullmatch(tenant_id)):
        raise ValueError("the tenant is an identifier")
    return Credential(subject, tenant_id, role, frozenset(scopes), expires_at)


class Authenticator(Protocol):
    """Turns the headers of a request into a credential."""

    def authenticate(self, headers: RawHeaders) -> Credential:
        """The verified credential; CredentialIsNotAccepted for whatever else, always in the same words."""
        ...
