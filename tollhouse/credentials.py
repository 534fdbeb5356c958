"""Keys and tokens of a local installation, in `.tollhouse/keys/`: an RSA pair, RS256 tokens, hashed API keys.

In production an identity provider issues the tokens; services read only a JWKS file and a file of hashes.
"""

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from shared.framework.http.authorization import credential_from
from tollhouse.api_key_file import ApiKeyFile
from tollhouse.installation_state import write_private_file
from tollhouse.roles import SCOPES

ISSUER = AUDIENCE = "tollhouse"
EVERY_TENANT = "*"  # only the role `service` may carry it


class Credentials:
    """Issues tokens and API keys. The private key is created at the first use and stored in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.jwks_file = folder / "jwks.json"
        self.api_keys_file = api_keys_file(folder)
        self.api_keys = ApiKeyFile(self.api_keys_file)
        self.service_token_file = folder / "service.token"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._key = self._load_key()
        self.api_keys.ensure_exists()

    def token(
        self,
        *,
        tenant: str,
        role: str,
        scopes: Sequence[str] | None = None,
        subject: str = "local",
        lifetime: timedelta = timedelta(days=1),
    ) -> str:
        """An RS256 token for `Authorization: Bearer`; without `scopes` it has all scopes of the role.

        Raises ValueError for what no service would accept.
        """
        issued_at = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "iat": issued_at,
            "exp": issued_at + int(lifetime.total_seconds()),
            "tenant": tenant,
            "role": role,
            "scopes": list(SCOPES[role] if scopes is None else scopes),
        }
        expires_at = datetime.fromtimestamp(issued_at, UTC) + lifetime
        credential_from(claims, subject=subject, expires_at=expires_at)  # raises for what is refused
        header = {"alg": "RS256", "typ": "JWT", "kid": self._key.kid}
        return jwt.encode(header, claims, self._key, algorithms=["RS256"])

    def api_key(
        self,
        *,
        tenant: str,
        role: str,
        scopes: Sequence[str],
        subject: str | None = None,
        lifetime: timedelta = timedelta(days=365),
    ) -> str:
        """A new API key, shown once: only its SHA-256 is stored. Raises KeyIsRefused, FileIsUnreadable."""
        return self.api_keys.create(
            tenant=tenant, role=role, scopes=scopes, subject=subject, lifetime=lifetime
        )

    def write_service_token(self) -> Path:
        """Write the token with which the services read each other's feeds; a new one at every start."""
        token = self.token(
            tenant=EVERY_TENANT,
            role="service",
            scopes=["feed:read"],
            subject="tollhouse",
            lifetime=timedelta(days=365),
        )
        write_private_file(self.service_token_file, token)
        return self.service_token_file

    def _load_key(self) -> RSAKey:
        """The private key, created if missing; the public key is written to the JWKS file."""
        file = self.folder / "private.json"
        if not file.exists():
            created: dict[str, Any] = RSAKey.generate_key(2048, auto_kid=True).as_dict(private=True)
            write_private_file(file, json.dumps(created))
        key = RSAKey.import_key(json.loads(file.read_text()))
        public = KeySet([key]).as_dict(private=False)
        write_private_file(self.jwks_file, json.dumps(public, indent=2))
        return key


def api_keys_file(folder: Path) -> Path:
    """The file of API keys in a folder of credentials."""
    return folder / "api_keys.json"
