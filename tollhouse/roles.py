"""Scopes of each role in a local installation; in production the identity provider decides."""

from collections.abc import Mapping

_READ = (
    "clocks:read",
    "customers:read",
    "graphql:read",
    "invoices:read",
    "meters:read",
    "payments:read",
    "plans:read",
    "subscriptions:read",
    "tax:read",
    "usage:read",
)
_WRITE = (
    "clocks:write",
    "customers:write",
    "invoices:write",
    "meters:write",
    "payments:write",
    "plans:write",
    "subscriptions:write",
    "tax:write",
    "usage:write",
)

SCOPES: Mapping[str, tuple[str, ...]] = {
    "billing_admin": (*_READ, *_WRITE, "events:read"),
    "billing_viewer": _READ,
    "auditor": (*_READ, "events:read"),
    "customer": ("graphql:read",),
    "service": ("feed:read", "dlq:read", "dlq:write"),
}
