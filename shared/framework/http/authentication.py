"""Authentication: from `Authorization: Bearer ...`, a JWT or an API key, to a credential."""

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
"""How long a verified token is cached; a removed key is accepted for so long at most."""

VERIFIED_MAX = 4096


class BearerAuthenticator:
    """Verifies JWTs and API keys; a cached JWT costs one hash instead of RSA."""

    def __init__(self, jwks_file: Path, api_keys_file: Path | None, clock: Clock) -> None:
        """Both files are read again when they change. `api_keys_file` None: API keys are refused.

        Raises ValueError or OSError for a JWKS file without a usable key.
        """
        self._tokens = JwtVerifier(jwks_file, clock)
        self._api_keys = None if api_keys_file is None else ApiKeyVerifier(api_keys_file, clock)
        self._clock = clock
        self._verified: dict[bytes, tuple[datetime, Credential]] = {}

    def authenticate(self, headers: RawHeaders) -> Credential:
        """The credential in the Authorization header. Raises CredentialIsNotAccepted, without details."""
        given = [value for name, value in headers if name == b"authorization"]
        if len(given) != 1 or given[0][:7].lower() != b"bearer ":
            raise CredentialIsNotAccepted
        secret = given[0][7:].strip()
        if not secret.isascii():
            raise CredentialIsNotAccepted
        if secret.startswith(PREFIX.encode()):
            return self._api_key(secret.decode())
        return self._token(secret)

    def warnings(self) -> list[str]:
        """What is wrong with the files of keys; requests are served by what is right."""
        verifiers = (self._tokens, self._api_keys)
        found = (verifier.warning for verifier in verifiers if verifier is not None)
        return [warning for warning in found if warning is not None]

    def _api_key(self, key: str) -> Credential:
        if self._api_keys is None:
            raise CredentialIsNotAccepted
        return self._api_keys.read(key)

    def _token(self, token: bytes) -> Credential:
        now, digest = self._clock.now(), hashlib.sha256(token).digest()
        valid_until, cached = self._verified.get(digest, (now, None))
        if cached is not None and now < valid_until:
            return cached
        credential = self._tokens.read(token.decode())
        self._cache(digest, now, credential)
        return credential

    def _cache(self, digest: bytes, now: datetime, credential: Credential) -> None:
        self._verified.pop(digest, None)
        if len(self._verified) >= VERIFIED_MAX:
            del self._verified[next(iter(self._verified))]
        until = now + VERIFIED_FOR
        self._verified[digest] = (min(until, credential.expires_at or until), credential)


class AuthenticationMiddleware:
    """Answers 401 to a request without a valid credential, also on unknown paths; closes web sockets."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator) -> None:
        """`app`: the next layer."""
        self.app = app
        self.authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Authenticate a request, and put its credential into the scope."""
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
