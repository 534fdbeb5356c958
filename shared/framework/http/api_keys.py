"""API keys: with a checksum against typing errors, stored as hashes in a file that is reloaded."""

import hashlib
import re
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shared.framework.core.clock import Clock
from shared.framework.http.authorization import Credential, CredentialIsNotAccepted, credential_from
from shared.framework.http.reloading_file import FileContent, ReloadingFile, read_entries
from shared.framework.observability import metrics

PREFIX = "th_live_"
_SHA256 = re.compile("[0-9a-f]{64}", re.ASCII)
_KEY = re.compile(rf"({PREFIX}([A-Za-z0-9]{{1,64}})_[A-Za-z0-9]{{32,128}})_([0-9a-f]{{8}})", re.ASCII)


class ApiKeyVerifier:
    """Verifies keys `th_live_<id>_<secret>_<crc32>` by their SHA-256 in a JSON file."""

    def __init__(self, api_keys_file: Path, clock: Clock) -> None:
        """Read the hashes; as long as no file can be read, every key is refused."""
        self._credentials: ReloadingFile[dict[str, Credential]] = ReloadingFile(
            api_keys_file, _by_hash, clock, unreadable_count=metrics.API_KEYS_UNREADABLE, at_first={}
        )
        self._clock = clock

    @property
    def warning(self) -> str | None:
        """What is wrong with the file; None if all of it is used."""
        return self._credentials.warning

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


def _by_hash(content: bytes) -> FileContent[dict[str, Credential]]:
    return read_entries(content, lambda entry: (_hash_of(entry), credential_of_entry(entry)))


def _hash_of(entry: dict[str, Any]) -> str:
    if not _SHA256.fullmatch(entry["sha256"]):
        raise ValueError("sha256 is 64 hexadecimal digits")
    return str(entry["sha256"])


def credential_of_entry(entry: dict[str, Any]) -> Credential:
    """The credential of an entry of the file. Raises one of ENTRY_FAULTS."""
    expires_at = datetime.fromisoformat(entry["expires_at"])
    if expires_at.tzinfo is None:
        raise ValueError("expires_at needs an offset")
    subject = subject_of_entry(entry, entry["id"])
    return credential_from(entry, subject=subject, expires_at=expires_at.astimezone(UTC))


def subject_of_entry(entry: dict[str, Any], key_id: object) -> Any:
    """The subject of an entry: its own, or `key:<id>`."""
    return entry.get("subject", f"key:{key_id}")
