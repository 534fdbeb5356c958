"""The HTTP application of a context: its routes behind the middleware that all contexts share."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp, Lifespan

from shared.framework.core.clock import Clock
from shared.framework.core.ids import IdGenerator
from shared.framework.eventstore.ports import CommandStore
from shared.framework.http.authentication import AuthenticationMiddleware
from shared.framework.http.authorization import Authenticator, require_scopes_on_all_routes
from shared.framework.http.docs import PROBLEM, DocumentedApp, docs_router
from shared.framework.http.exception_handlers import install_exception_handlers
from shared.framework.http.health import ReadinessCheck, health_router
from shared.framework.http.raw_routes import RawRouteMiddleware
from shared.framework.http.read_your_writes import (
    ClockWaiter,
    NoClockWaiter,
    NoUpstreamPositions,
    PositionWaiter,
)
from shared.framework.http.request_body import BODY_BYTES_MAX, RequestBodyMiddleware
from shared.framework.http.request_head import RequestHeadMiddleware
from shared.framework.http.service_context import ServiceContext
from shared.framework.http.telemetry import TelemetryMiddleware

VERSION = "1"


def create_app(
    name: str,
    routers: Sequence[APIRouter],
    *,
    store: CommandStore,
    clock: Clock,
    ids: IdGenerator,
    authenticator: Authenticator,
    partitions: int,
    waiter: PositionWaiter | None = None,
    clock_waiter: ClockWaiter | None = None,
    checks: Mapping[str, ReadinessCheck] | None = None,
    raw: Mapping[str, ASGIApp] | None = None,
    lifespan: Lifespan[FastAPI] | None = None,
    body_bytes_max: int = BODY_BYTES_MAX,
    refresh_gauges: Callable[[], Awaitable[None]] | None = None,
) -> FastAPI:
    """The HTTP application of a context. Raises RouteHasNoScope if a route has no `requires(...)`.

    `partitions`: number of partitions of this context's topic. `waiter`: the consumer of this process, for
    Tollhouse-Wait-For. `clock_waiter`: for commands during the advance of a test clock. `checks`: for
    /health/ready, by name. `raw`: ASGI applications by exact path, for hot routes; they run after
    authentication and before RequestBodyMiddleware, so they check their scope and limit the body themselves.
    `refresh_gauges`: see health_router.
    """
    waiters = (waiter or NoUpstreamPositions(), clock_waiter or NoClockWaiter())
    service = ServiceContext(name, store, clock, ids, partitions, *waiters)
    app = DocumentedApp(
        title=f"Tollhouse {name}",
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        responses={"4XX": PROBLEM},
    )
    app.state.service_context = service
    for router in routers:
        app.include_router(router)
    app.include_router(health_router(checks or {}, authenticator.warnings, refresh_gauges or _no_gauges))
    app.include_router(docs_router(name))
    require_scopes_on_all_routes(app)
    install_exception_handlers(app)
    # The last one added is the outermost.
    app.add_middleware(RequestBodyMiddleware, bytes_max=body_bytes_max)
    if raw:
        app.add_middleware(RawRouteMiddleware, raw=raw)
    app.add_middleware(RequestHeadMiddleware)
    app.add_middleware(AuthenticationMiddleware, authenticator=authenticator)
    app.add_middleware(TelemetryMiddleware, service=service)
    return app


async def _no_gauges() -> None:
    """Default of `refresh_gauges`."""
