"""Alive and ready: live asks nobody, ready asks whatever this process cannot work without."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from shared.framework.observability.metrics import METRICS_MEDIA_TYPE, metrics_page

ReadinessCheck = Callable[[], Awaitable[None]]
"""Returns if all is well; whatever it raises means not ready."""

CHECK_S = 2.0


def health_router(checks: Mapping[str, ReadinessCheck]) -> APIRouter:
    """/health/live, /health/ready and /metrics, open to everybody on this port."""
    router = APIRouter(include_in_schema=False)

    @router.get("/health/live")
    async def live() -> Response:
        return JSONResponse({"status": "alive"})

    @router.get("/health/ready")
    async def ready() -> Response:
        states = await asyncio.gather(*map(_ask, checks.values()))
        well = all(state == "ok" for state in states)
        body = {"status": "ready" if well else "not ready", "checks": dict(zip(checks, states, strict=True))}
        return JSONResponse(body, 200 if well else 503)

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(metrics_page(), media_type=METRICS_MEDIA_TYPE)

    return router


async def _ask(check: ReadinessCheck) -> str:
    """What to show: never the exception's own words, which may tell of addresses and accounts."""
    try:
        async with asyncio.timeout(CHECK_S):
            await check()
    except Exception as error:
        return type(error).__name__
    return "ok"
