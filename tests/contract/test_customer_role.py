"""A credential of role `customer` with every scope: refused on routes that are not made for customers."""

import asyncio
from collections.abc import Iterator

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import WebSocketRoute

from shared.framework.http.authorization import Credential, Role, admits_customers, is_open, scopes_of
from shared.framework.testing.fakes import FakeAuthenticator
from tests.contract.frozen_services import applications, built_services

MADE_FOR_CUSTOMERS = {
    "projections POST /graphql",  # projections/tests/test_customers_view.py
    "projections GET /v1/history",  # projections/tests/test_history.py
    "subscriptions GET /v1/customers/{customer_id}",  # services/subscriptions/tests/test_reads.py
    "subscriptions GET /v1/customers/{customer_id}/entitlements",  # services/subscriptions/entitlements/tests
    "subscriptions GET /v1/contracts/{contract_id}",  # services/subscriptions/contracts/tests
    "subscriptions GET /v1/subscriptions/{subscription_id}",  # services/subscriptions/tests/test_reads.py
    "invoicing GET /v1/invoices/{invoice_id}",  # services/invoicing/tests/test_reads.py
    "payments GET /v1/payment-methods",  # services/payments/tests/test_reads.py
    "payments GET /v1/payment-methods/{method_id}",  # services/payments/tests/test_reads.py
}
"""The routes that narrow their answer to one customer. A new one needs a test that shows this."""

APPLICATIONS = applications(asyncio.run(built_services()))


def operations(context: str, app: FastAPI) -> Iterator[tuple[str, str, str, bool]]:
    """Context, method, path and whether customers are admitted, of each route that needs a credential."""
    for route in iter_route_contexts(app.routes):
        path = route.path or ""
        if not is_open(path) and not isinstance(route.original_route, WebSocketRoute):
            for method in sorted(route.methods or ()):
                yield context, method, path, admits_customers(route)


OPERATIONS = [one for context, app in APPLICATIONS.items() for one in operations(context, app)]
REFUSED = [(context, method, path) for context, method, path, admitted in OPERATIONS if not admitted]


def all_scopes() -> frozenset[str]:
    routes = (route for app in APPLICATIONS.values() for route in iter_route_contexts(app.routes))
    return frozenset(scope for route in routes for scope in scopes_of(route))


async def code_for(role: Role, context: str, method: str, path: str) -> tuple[int, str]:
    """Status and refusal code of a request without body or parameters, by a caller with every scope."""
    app = APPLICATIONS[context]
    [gate] = [one for one in app.user_middleware if "authenticator" in one.kwargs]
    gate.kwargs["authenticator"] = FakeAuthenticator(
        {"caller": Credential("cus_1", "acme", role, all_scopes())}
    )
    app.middleware_stack = None
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://service") as client:
        answer = await client.request(method, path, headers={"authorization": "Bearer caller"})
    return answer.status_code, answer.json().get("code", "") if answer.content else ""


def test_only_these_routes_are_made_for_customers() -> None:
    """A route is open to customers only by saying so, and by a test of what it shows them."""
    admitted = {f"{context} {method} {path}" for context, method, path, admits in OPERATIONS if admits}
    assert admitted == MADE_FOR_CUSTOMERS


@pytest.mark.parametrize(("context", "method", "path"), REFUSED, ids=[" ".join(one) for one in REFUSED])
async def test_no_other_route_serves_a_customer(context: str, method: str, path: str) -> None:
    """Whatever scopes an identity provider has put into the token."""
    status, code = await code_for(Role.CUSTOMER, context, method, path)
    assert (status, code) in {(403, "role-forbidden"), (403, "cross-tenant-access-forbidden")}


def test_the_matrix_covers_every_documented_operation() -> None:
    """The generated list is that of the live OpenAPI documents, and more."""
    documented = {
        f"{context} {method.upper()} {path}"
        for context, app in APPLICATIONS.items()
        for path, methods in app.openapi()["paths"].items()
        for method in methods
        if not is_open(path)
    }
    assert documented <= {f"{context} {method} {path}" for context, method, path, _ in OPERATIONS}
    assert len(documented) > 15
