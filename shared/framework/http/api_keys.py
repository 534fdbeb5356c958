"""API keys: with a checksum against typing errors, stored as hashes in a file that is reloaded."""

import hashlib
import json
import re
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shared.framework.core.clock import Clock
from shared.framework.http.authorization import Credential, CredentialIsNotAccepted, credential_from
from shared.framework.http.reloading_file import ReloadingFile

PREFIX = "th_live_"
_KEY = re.compile(r"(th_live_([A-Za-z0-9]{1,64})_[A-Za-z0-9]{32,128})_([0-9a-f]{8})", re.ASCII)


class ApiKeyVerifier:
    """Verifies keys `th_live_<id>_<secret>_<crc32>` by their SHA-256 in a JSON file."""

    def __init__(self, api_keys_file: Path, clock: Clock) -> None:
        """Read the hashes. Raises ValueError or OSError for an invalid file."""
        self._credentials = ReloadingFile(api_keys_file, _by_hash, clock)
        self._clock = clock

    def read(self, key: str) -> Credential:
        """The credential of a key. Raises CredentialIsNotAccepted for an unknown or expired one."""
        match = _KEY.fullmatch(key)
        if match is None or int(match[3], 16) != zlib.crc32(match[1].encode()):
            raise CredentialIsNotAccepted
        # Looked up by hash, so the time of the look-up is independent of the secret.
        credential = self._credentials.value.get(hashlib.sha256(key.encode()).hexdigest())
        if credential is None or _is_expired(credential, self._clock.now()):
            raise CredentialIsNotAccepted
        return credential


def _is_expired(credential: Credential, now: datetime) -> bool:
    return credential.expires_at is not None and credential.expires_at <= now


def _by_hash(content: bytes) -> dict[str, Credential]:
    try:
        return {entry["sha256"]: _credential(entry) for entry in json.loads(content)["keys"]}
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"an API keys file has id, sha256, tenant, role, scopes, expires_at: {error}"
        ) from error


def _credential(entry: dict[str, Any]) -> Credential:
    expires_at = datetime.fromisoformat(entry["expires_at"])
    if expires_at.tzinfo is None:
        raise ValueError(f"expires_at of {entry['id']} needs an offset")
    return credential_from(entry, subject=f"key:{entry['id']}", expires_at=expires_at.astimezone(UTC))
