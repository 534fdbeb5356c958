import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.responses import PlainTextResponse

from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.http.app import create_app
from shared.framework.http.authorization import RouteHasNoScope, requires, scopes_of
from shared.framework.http.tests.doubles import CALLERS, Hooks, Setting, things
from shared.framework.testing.fakes import FakeAuthenticator, FakeClock, SequentialIds
from shared.framework.testing.store_examples import EXAMPLES

ROUTES = [route for route in iter_route_contexts(things(Hooks()).routes) if route.path]


def path_of(route: RouteContext) -> str:
    return str(route.path).replace("{thing_id}", "t1")


MATRIX = [(route, who) for route in ROUTES for who in CALLERS]


@pytest.mark.parametrize(
    ("route", "who"), MATRIX, ids=[f"{r.path}-{min(r.methods or ())}-{w}" for r, w in MATRIX]
)
async def test_a_route_opens_to_exactly_those_who_carry_its_scope(route: RouteContext, who: str) -> None:
    """Every route against every caller: 403 without the scope or with the wrong tenant, else never."""
    every_tenant = route.path == "/v1/everything"
    credential = CALLERS[who]
    allowed = scopes_of(route) <= credential.scopes and credential.is_cross_tenant == every_tenant
    path = path_of(route)
    answer = await Setting().client.request(
        min(route.methods or ()), path, headers={"authorization": f"Bearer {who}"}
    )
    assert (answer.status_code != 403) == allowed
    if not allowed:
        assert answer.json()["code"] in {"scope-missing", "tenant-missing", "cross-tenant-access-forbidden"}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.path}-{route.name}")
async def test_without_a_credential_no_route_opens(route: RouteContext) -> None:
    """401, with the scheme to use, and nothing about what would have been there."""
    method = min(route.methods or ())
    answer = await Setting().client.request(method, path_of(route))
    assert (answer.status_code, answer.json()["code"]) == (401, "credential-invalid")
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_unknown_paths_are_behind_the_gate_too() -> None:
    """A stranger does not learn which paths exist."""
    setting = Setting()
    assert (await setting.client.get("/v1/nothing")).status_code == 401
    assert (await setting.get("/v1/nothing")).status_code == 404


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics", "/openapi.json", "/docs"])
async def test_health_metrics_and_documentation_need_no_credential(path: str) -> None:
    """Probes and readers have none."""
    assert (await Setting().client.get(path)).status_code == 200


async def test_the_open_documentation_folder_opens_nothing_else() -> None:
    """No path below it leads out of it."""
    for path in ("/docs/../v1/things", "/docs/%2e%2e/v1/things", "/docs/app.py", "/docs//v1/things"):
        answer = await Setting().client.get(path)
        assert answer.status_code in {401, 404}, path


def routers_with_a_forgotten_route() -> list[APIRouter]:
    bare, nested, declared, mounting = APIRouter(), APIRouter(), APIRouter(), APIRouter()

    @bare.get("/v1/forgotten")
    async def forgotten() -> None:
        return None

    nested.include_router(bare, prefix="/deep")
    declared.include_router(bare, dependencies=[requires("things:read")])
    mounting.mount("/v1/files", PlainTextResponse("all of them"))
    return [bare, nested, mounting, declared]


def application(router: APIRouter) -> FastAPI:
    clock = FakeClock()
    return create_app(
        "subscriptions",
        [router],
        store=MemoryEventStore("subscriptions", clock, EXAMPLES),
        clock=clock,
        ids=SequentialIds(),
        authenticator=FakeAuthenticator({}),
        partitions=4,
    )


def test_an_application_with_an_undeclared_route_does_not_start() -> None:
    """Deny by default: forgetting `requires` is found before the first request, however deep it lies."""
    bare, nested, mounting, _ = routers_with_a_forgotten_route()
    for router in (bare, nested, mounting):
        with pytest.raises(RouteHasNoScope, match="/v1/f"):
            application(router)


def test_a_router_may_declare_for_all_its_routes() -> None:
    """What `requires` says once holds for everything below."""
    *_, declared = routers_with_a_forgotten_route()
    assert "/v1/forgotten" in application(declared).openapi()["paths"]


async def test_the_documentation_says_which_scope_a_route_needs() -> None:
    """Generated from the same declaration that is enforced."""
    document = (await Setting().client.get("/openapi.json")).json()
    said = document["paths"]["/v1/things"]["get"]["security"]
    assert said == [{"Bearer": ["things:read"]}]


async def test_the_tenant_comes_from_the_credential() -> None:
    """Whatever the request says about tenants is not looked at."""
    answer = await Setting().get("/v1/things?tenant=other", x_tenant="other", tenant="other")
    assert answer.json() == {"tenant": "acme"}
