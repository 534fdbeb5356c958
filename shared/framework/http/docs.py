"""Documentation pages without network access: OpenAPI 3.1, and Swagger UI of the `fastapi-offline` wheel."""

from importlib.resources import files
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from starlette.responses import FileResponse, Response

from shared.framework.http.problem import MEDIA_TYPE
from shared.framework.http.refusals import RouteIsUnknown

ASSETS = files("fastapi_offline") / "static"
FILES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}
# The browser may load nothing from other hosts.
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'"
)

PROBLEM = {
    "description": "An error (RFC 9457): `code` is stable, `detail` is for people.",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:tollhouse:refusal:invoice-empty"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string", "examples": ["invoice-empty"]},
        "trace_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}


def docs_router(name: str) -> APIRouter:
    """The router of /docs and its files; FastAPI itself serves /openapi.json."""
    router = APIRouter(include_in_schema=False)
    page = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=f"Tollhouse {name}",
        swagger_js_url="/docs/swagger-ui-bundle.js",
        swagger_css_url="/docs/swagger-ui.css",
        swagger_favicon_url="/docs/favicon.png",
    )
    page.headers["content-security-policy"] = _CONTENT_SECURITY_POLICY

    @router.get("/docs")
    async def show() -> Response:
        return page

    @router.get("/docs/{file}")
    async def asset(file: str) -> Response:
        if file not in FILES:
            raise RouteIsUnknown(file)
        return FileResponse(str(ASSETS / file), media_type=FILES[file])

    return router


class DocumentedApp(FastAPI):
    """FastAPI with the schema of problems in its OpenAPI document."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made at the first call."""
        if self.openapi_schema is None:
            schema = get_openapi(title=self.title, version=self.version, routes=self.routes)
            schema.setdefault("components", {}).setdefault("schemas", {})["Problem"] = _PROBLEM_SCHEMA
            self.openapi_schema = schema
        return self.openapi_schema
