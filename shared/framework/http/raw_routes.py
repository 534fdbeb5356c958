"""Raw routes: ASGI applications by exact path, after authentication, without FastAPI."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

RAW_ROUTE_SCOPE_KEY = "tollhouse.raw"


class RawRouteMiddleware:
    """Calls the ASGI application of a raw route, or the next layer."""

    def __init__(self, app: ASGIApp, raw: Mapping[str, ASGIApp]) -> None:
        """`raw`: applications by path; `app`: the next layer."""
        self.app = app
        self.raw = raw

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Choose by the exact path; the metrics of a raw route have its path."""
        app = self.raw.get(scope["path"]) if scope["type"] == "http" else None
        if app is None:
            return await self.app(scope, receive, send)
        scope[RAW_ROUTE_SCOPE_KEY] = True
        return await app(scope, receive, send)
