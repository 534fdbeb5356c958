"""Nobody passes without a credential, except to ask for health, metrics and the documentation."""

from starlette.types import ASGIApp, Receive, Scope, Send

from shared.framework.http.authorization import CREDENTIAL_IN_SCOPE, is_open
from shared.framework.http.credential import Authenticator, CredentialIsNotAccepted
from shared.framework.http.problem import problem_response
from shared.framework.observability.logging import logged_as


class AuthenticationMiddleware:
    """Verifies the credential before anything looks at the request; unknown paths are behind it too."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator) -> None:
        """Stand before `app`."""
        self.app = app
        self.authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let in whoever has a credential, to where it may ask."""
        if scope["type"] == "lifespan" or (scope["type"] == "http" and is_open(scope["path"])):
            return await self.app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        try:
            credential = self.authenticator.authenticate(scope["headers"])
        except CredentialIsNotAccepted as refusal:
            return await problem_response(refusal, scope["path"])(scope, receive, send)
        scope[CREDENTIAL_IN_SCOPE] = credential
        with logged_as(tenant=credential.tenant_id):
            return await self.app(scope, receive, send)
