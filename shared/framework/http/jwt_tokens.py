"""JSON web tokens, verified by RS256 with keys of a JWKS file only."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import GuestProtocol, RSAKey

from shared.framework.core.clock import Clock
from shared.framework.http.authorization import Credential, CredentialIsNotAccepted, credential_from
from shared.framework.http.reloading_file import FileContent, ReloadingFile, read_entries
from shared.framework.observability import metrics

ISSUER = AUDIENCE = "tollhouse"
ALGORITHMS = ("RS256",)
TYPES = frozenset({"JWT", "at+jwt"})
LEEWAY_S = 30
TOKEN_BYTES_MAX = 8192
RSA_BITS_MIN = 2048
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class JwtVerifier:
    """Verifies tokens by the key of their `kid` in a JWKS file, which is read again on change."""

    def __init__(self, jwks_file: Path, clock: Clock) -> None:
        """Read the keys. Raises ValueError or OSError for a file without a usable one."""
        self._keys = ReloadingFile(
            jwks_file, _public_keys, clock, unreadable_count=metrics.JWKS_KEYS_UNREADABLE
        )
        self._clock = clock

    @property
    def warning(self) -> str | None:
        """What is wrong with the file; None if all of it is used."""
        return self._keys.warning

    def read(self, token: str) -> Credential:
        """The credential of a valid token (RFC 8725). Raises CredentialIsNotAccepted."""
        try:
            if len(token) > TOKEN_BYTES_MAX:
                raise CredentialIsNotAccepted
            claims = jwt.decode(token, self._key_for, algorithms=ALGORITHMS).claims
            self._registry().validate(claims)
            expires_at = EPOCH + timedelta(seconds=claims["exp"])
            return credential_from(claims, subject=claims["sub"], expires_at=expires_at)
        except (JoseError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
            raise CredentialIsNotAccepted from None

    def _key_for(self, token: GuestProtocol) -> RSAKey:
        """The key of `kid`; jku, x5u and jwk in the header are ignored."""
        header = token.headers()
        if header.get("typ") not in TYPES:
            raise CredentialIsNotAccepted
        return self._keys.value[header["kid"]]

    def _registry(self) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            now=int(self._clock.now().timestamp()),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": AUDIENCE},
            sub={"essential": True},
            iat={"essential": True},
            exp={"essential": True},
        )


def _public_keys(content: bytes) -> FileContent[dict[str, RSAKey]]:
    """RSA keys by `kid`. Raises ValueError for a file without a usable one."""
    keys = read_entries(content, _named_rsa_key, JoseError)
    if not keys.value:
        raise ValueError(f"a JWKS file has RSA keys of at least {RSA_BITS_MIN} bits, each with a kid")
    return keys


def _named_rsa_key(entry: dict[str, Any]) -> tuple[str, RSAKey] | None:
    return (str(entry["kid"]), _rsa_key(entry)) if entry["kty"] == "RSA" else None


def _rsa_key(entry: dict[str, Any]) -> RSAKey:
    key = RSAKey.import_key(entry)
    if key.public_key.key_size < RSA_BITS_MIN:
        raise ValueError(f"fewer than {RSA_BITS_MIN} bits")
    return key
