"""Liveness, readiness and metrics; only readiness checks the servers that a process needs."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from shared.framework.observability.metrics import METRICS_MEDIA_TYPE, metrics_page

ReadinessCheck = Callable[[], Awaitable[None]]
"""Returns if the process is ready; an exception means that it is not."""

CHECK_TIMEOUT_S = 2.0


def health_router(checks: Mapping[str, ReadinessCheck], warnings: Callable[[], Sequence[str]]) -> APIRouter:
    """The router of /health/live, /health/ready and /metrics, which need no credential.

    `warnings`: what is wrong although the process is ready.
    """
    router = APIRouter(include_in_schema=False)

    @router.get("/health/live")
    async def live() -> Response:
        return JSONResponse({"status": "alive"})

    @router.get("/health/ready")
    async def ready() -> Response:
        states = await asyncio.gather(*map(_state, checks.values()))
        ready = all(state == "ok" for state in states)
        body = {
            "status": "ready" if ready else "not ready",
            "checks": dict(zip(checks, states, strict=True)),
            "warnings": list(warnings()),
        }
        return JSONResponse(body, 200 if ready else 503)

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(metrics_page(), media_type=METRICS_MEDIA_TYPE)

    return router


async def _state(check: ReadinessCheck) -> str:
    """`ok` or the class of the exception; its message may contain addresses and accounts."""
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            await check()
    except Exception as error:
        return type(error).__name__
    return "ok"
