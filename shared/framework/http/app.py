"""The application of a context: its routes, and around them everything that no route should think about."""

from collections.abc import Mapping, Sequence

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp, Lifespan

from shared.framework.core.clock import Clock
from shared.framework.core.ids import Ids
from shared.framework.eventstore.port import EventStore
from shared.framework.http.authentication_middleware import Gate
from shared.framework.http.authorization import refuse_open_routes
from shared.framework.http.credential import Authenticator
from shared.framework.http.docs import PROBLEM, DocumentedApp, docs_router
from shared.framework.http.exception_handlers import answer_refusals
from shared.framework.http.health import Check, health_router
from shared.framework.http.raw_routes import Beside
from shared.framework.http.read_your_writes import HearsNobody, Waiter
from shared.framework.http.request_body import BODY_BYTES_MAX, Bodies
from shared.framework.http.service_context import House
from shared.framework.http.telemetry import Telemetry

VERSION = "1"


def create_app(
    name: str,
    routers: Sequence[APIRouter],
    *,
    store: EventStore,
    clock: Clock,
    ids: Ids,
    authenticator: Authenticator,
    partitions: int,
    waiter: Waiter | None = None,
    checks: Mapping[str, Check] | None = None,
    raw: Mapping[str, ASGIApp] | None = None,
    lifespan: Lifespan[FastAPI] | None = None,
    body_bytes_max: int = BODY_BYTES_MAX,
) -> FastAPI:
    """The context's HTTP application; RouteHasNoScope if a route declares no `requires(...)`.

    `partitions`: of this context's topic (positions name them). `waiter`: this process's consumer, for
    Tollhouse-Wait-For. `checks`: what /health/ready asks. `raw`: ASGI applications by exact path, for
    hot routes; they are met before the gate and the body rules, so they authenticate and bound by themselves.
    """
    house = House(name, store, clock, ids, authenticator, partitions, waiter or HearsNobody())
    app = DocumentedApp(
        title=f"Tollhouse {name}",
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        responses={"4XX": PROBLEM},
    )
    app.state.house = house
    for router in routers:
        app.include_router(router)
    app.include_router(health_router(checks or {}))
    app.include_router(docs_router(name))
    refuse_open_routes(app)
    answer_refusals(app)
    # The last one added is met first.
    app.add_middleware(Bodies, bytes_max=body_bytes_max)
    app.add_middleware(Gate, authenticator=authenticator)
    app.add_middleware(Beside, raw=raw or {})
    app.add_middleware(Telemetry, house=house)
    return app
