"""Keys and tokens of a local installation, in `.tollhouse/keys/`: an RSA pair, RS256 tokens, hashed API keys.

In production an identity provider issues the tokens; services read only a JWKS file and a file of hashes.
"""

import hashlib
import json
import secrets
import time
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from tollhouse.installation_state import write_private_file
from tollhouse.roles import SCOPES

ISSUER = AUDIENCE = "tollhouse"
EVERY_TENANT = "*"  # only the role `service` may carry it


class Credentials:
    """Issues tokens and API keys. The private key is created at the first use and stored in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.jwks_file = folder / "jwks.json"
        self.api_keys_file = folder / "api_keys.json"
        self.service_token_file = folder / "service.token"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._key = self._load_key()
        if not self.api_keys_file.exists():
            write_private_file(self.api_keys_file, json.dumps({"keys": []}))

    def token(
        self,
        *,
        tenant: str,
        role: str,
        scopes: Sequence[str] | None = None,
        subject: str = "local",
        lifetime: timedelta = timedelta(days=1),
    ) -> str:
        """An RS256 token for `Authorization: Bearer`; without `scopes` it has all scopes of the role."""
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
        header = {"alg": "RS256", "typ": "JWT", "kid": self._key.kid}
        return jwt.encode(header, claims, self._key, algorithms=["RS256"])

    def api_key(
        self, *, tenant: str, role: str, scopes: Sequence[str], lifetime: timedelta = timedelta(days=365)
    ) -> str:
        """A new API key, shown once: only its SHA-256 is stored."""
        key = format_api_key(secrets.token_hex(6), secrets.token_hex(24))
        entry = {
            "id": key.split("_")[2],
            "sha256": hashlib.sha256(key.encode()).hexdigest(),
            "tenant": tenant,
            "role": role,
            "scopes": list(scopes),
            "expires_at": (datetime.now(UTC) + lifetime).isoformat(timespec="seconds"),
        }
        known = json.loads(self.api_keys_file.read_text())["keys"]
        write_private_file(self.api_keys_file, json.dumps({"keys": [*known, entry]}, indent=2))
        return key

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


def format_api_key(key_id: str, secret: str) -> str:
    """`th_live_<id>_<secret>_<crc32>`: the checksum shows typing errors without a look-up."""
    body = f"th_live_{key_id}_{secret}"
    return f"{body}_{zlib.crc32(body.encode()):08x}"
