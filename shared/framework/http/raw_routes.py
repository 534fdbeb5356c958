"""Hot routes: ASGI applications behind the gate, without FastAPI and without the body rules."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

RAW_ROUTE_SCOPE_KEY = "tollhouse.raw"


class RawRouteMiddleware:
    """Hands hot routes straight to their own ASGI application."""

    def __init__(self, app: ASGIApp, raw: Mapping[str, ASGIApp]) -> None:
        """Everything that is not in `raw` goes to `app`."""
        self.app = app
        self.raw = raw

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Choose by the exact path; what is met there counts under its path in the metrics."""
        app = self.raw.get(scope["path"]) if scope["type"] == "http" else None
        if app is None:
            return await self.app(scope, receive, send)
        scope[RAW_ROUTE_SCOPE_KEY] = True
        return await app(scope, receive, send)
