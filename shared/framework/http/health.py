"""Liveness, readiness and metrics; only readiness checks the servers that a process needs."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from shared.framework.observability import metrics
from shared.framework.observability.metrics import METRICS_MEDIA_TYPE, metrics_page

ReadinessCheck = Callable[[], Awaitable[None]]
"""Returns if the process is ready; an exception means that it is not."""

CHECK_TIMEOUT_S = 2.0


def health_router(
    checks: Mapping[str, ReadinessCheck],
    warnings: Callable[[], Sequence[str]],
    refresh_gauges: Callable[[], Awaitable[None]],
) -> APIRouter:
    """The router of /health/live, /health/ready and /metrics, which need no credential.

    `warnings`: what is wrong although the process is ready. `refresh_gauges` is called before the metrics are
    written; it raises nothing and has a time limit.
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
    async def show_metrics() -> Response:
        states, _ = await asyncio.gather(asyncio.gather(*map(_state, checks.values())), refresh_gauges())
        metrics.READY.set(all(state == "ok" for state in states))
        return Response(metrics_page(), media_type=METRICS_MEDIA_TYPE)

    return router


async def _state(check: ReadinessCheck) -> str:
    """`ok` or the class of the exception; its message may contain addresses and accounts.

    A check that is late is not waited for until it has been cancelled: that may take the driver 15 s.
    """
    task = asyncio.ensure_future(check())
    done, _ = await asyncio.wait({task}, timeout=CHECK_TIMEOUT_S)
    if not done:
        task.cancel()
        return TimeoutError.__name__
    error = task.exception()
    return type(error).__name__ if error else "ok"
