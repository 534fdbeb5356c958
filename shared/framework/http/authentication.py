"""Verifies `Authorization: Bearer ...`: a token or an API key gives a credential, anything else 401."""

import hashlib
from datetime import datetime, timedelta
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from shared.framework.core.clock import Clock
from shared.framework.http.api_keys import PREFIX, ApiKeyVerifier
from shared.framework.http.authorization import (
    CREDENTIAL_IN_SCOPE,
    Authenticator,
    Credential,
    CredentialIsNotAccepted,
    RawHeaders,
    is_open,
)
from shared.framework.http.jwt_tokens import JwtVerifier
from shared.framework.http.problem import problem_response
from shared.framework.observability.logging import logged_as

VERIFIED_FOR = timedelta(seconds=5)
"""How long a verified token is taken without looking again: how late the removal of a key may be felt."""

VERIFIED_MAX = 4096


class BearerAuthenticator:
    """Verifies bearer tokens and API keys; a token seen a moment ago costs one hash instead of RSA."""

    def __init__(self, jwks_file: Path, api_keys_file: Path | None, clock: Clock) -> None:
        """Both files are watched: keys come, go and expire while we run. No file, no API keys."""
        self._tokens = JwtVerifier(jwks_file, clock)
        self._api_keys = None if api_keys_file is None else ApiKeyVerifier(api_keys_file, clock)
        self._clock = clock
        self._verified: dict[bytes, tuple[datetime, Credential]] = {}

    def authenticate(self, headers: RawHeaders) -> Credential:
        """The credential in the Authorization header; without a valid one always the same refusal."""
        given = [value for name, value in headers if name == b"authorization"]
        if len(given) != 1 or given[0][:7].lower() != b"bearer ":
            raise CredentialIsNotAccepted
        secret = given[0][7:].strip()
        if not secret.isascii():
            raise CredentialIsNotAccepted
        if secret.startswith(PREFIX.encode()):
            return self._api_key(secret.decode())
        return self._token(secret)

    def _api_key(self, key: str) -> Credential:
        if self._api_keys is None:
            raise CredentialIsNotAccepted
        return self._api_keys.read(key)

    def _token(self, token: bytes) -> Credential:
        now, digest = self._clock.now(), hashlib.sha256(token).digest()
        good_until, known = self._verified.get(digest, (now, None))
        if known is not None and now < good_until:
            return known
        credential = self._tokens.read(token.decode())
        self._remember(digest, now, credential)
        return credential

    def _remember(self, digest: bytes, now: datetime, credential: Credential) -> None:
        self._verified.pop(digest, None)
        if len(self._verified) >= VERIFIED_MAX:
            del self._verified[next(iter(self._verified))]
        until = now + VERIFIED_FOR
        self._verified[digest] = (min(until, credential.expires_at or until), credential)


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
