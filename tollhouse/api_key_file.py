"""The file of API keys: hashes with tenant, role, scopes and expiry; a key itself is shown once, not stored.

Services read the file again when it changes (shared/framework/http/api_keys.py).
"""

import fcntl
import hashlib
import json
import secrets
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from shared.framework.http.api_keys import PREFIX, credential_of_entry, subject_of_entry
from shared.framework.http.reloading_file import ENTRY_FAULTS, keys_in
from tollhouse.installation_state import write_private_file

ENDING_LENGTH = 4

Entry = dict[str, Any]


class KeyIsUnknown(Exception):
    """No key of this file has this id."""


class KeyIsRefused(Exception):
    """No service would accept such a key; the message says why."""


class FileIsUnreadable(Exception):
    """The file is not an object with a list of keys."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is listed; `masked`: its first and last characters; `state`: active, expired or broken."""

    id: str
    masked: str
    state: str
    tenant: str
    role: str
    subject: str
    scopes: Sequence[str]
    expires_at: str


@dataclass(frozen=True, slots=True)
class ApiKeyFile:
    """A file of API keys; each change replaces it in one step, one change at a time."""

    path: Path

    def ensure_exists(self) -> None:
        """Write an empty file if there is none."""
        if not self.path.exists():
            write_private_file(self.path, json.dumps({"keys": []}))

    def list_keys(self) -> list[ApiKey]:
        """All keys, oldest first. Raises FileIsUnreadable."""
        return [_listed(entry, datetime.now(UTC)) for entry in self._entries()]

    def create(
        self, *, tenant: str, role: str, scopes: Sequence[str], subject: str | None, lifetime: timedelta
    ) -> str:
        """Add a key, and return it. Raises KeyIsRefused, FileIsUnreadable."""
        granted = {"tenant": tenant, "role": role, "scopes": list(scopes)}
        if subject is not None:
            granted["subject"] = subject
        key, entry = _new(granted, datetime.now(UTC) + lifetime)
        with self._changed() as entries:
            entries.append(entry)
        return key

    def rotate(self, key_id: str, *, overlap: timedelta, lifetime: timedelta) -> str:
        """Add a key that grants and acts as an old one, which then ends after `overlap`; return the new one.

        Raises KeyIsUnknown, KeyIsRefused, FileIsUnreadable.
        """
        now = datetime.now(UTC)
        with self._changed() as entries:
            old = _find(entries, key_id)
            granted = {name: old.get(name) for name in ("tenant", "role", "scopes")}
            granted["subject"] = subject_of_entry(old, key_id)
            key, entry = _new(granted, now + lifetime)
            old["expires_at"] = min(_instant(old), now + overlap).isoformat(timespec="seconds")
            entries.append(entry)
        return key

    def revoke(self, key_id: str) -> None:
        """Remove a key: services refuse it within seconds. Raises KeyIsUnknown, FileIsUnreadable."""
        with self._changed() as entries:
            entries.remove(_find(entries, key_id))

    def _entries(self) -> list[Any]:
        try:
            return keys_in(self.path.read_bytes())
        except ValueError as error:
            raise FileIsUnreadable(f"{self.path} is not an object with a list of keys: {error!r}") from error

    @contextmanager
    def _changed(self) -> Iterator[list[Any]]:
        """The entries, to be changed in the block; the file is written at its end, under a lock."""
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.ensure_exists()
            entries = self._entries()
            yield entries
            write_private_file(self.path, json.dumps({"keys": entries}, indent=2))


def format_api_key(key_id: str, secret: str) -> str:
    """`th_live_<id>_<secret>_<crc32>`: the checksum shows typing errors without a look-up."""
    body = f"{PREFIX}{key_id}_{secret}"
    return f"{body}_{zlib.crc32(body.encode()):08x}"


def _new(granted: Entry, expires_at: datetime) -> tuple[str, Entry]:
    """A new key and its entry. Raises KeyIsRefused for an entry that no service would accept."""
    key_id = secrets.token_hex(6)
    key = format_api_key(key_id, secrets.token_hex(24))
    entry = {
        "id": key_id,
        "sha256": hashlib.sha256(key.encode()).hexdigest(),
        "ending": key[-ENDING_LENGTH:],
        **granted,
        "expires_at": expires_at.isoformat(timespec="seconds"),
    }
    try:
        credential_of_entry(entry)
    except ENTRY_FAULTS as error:
        raise KeyIsRefused(str(error)) from error
    return key, entry


def _find(entries: list[Any], key_id: str) -> Entry:
    for entry in entries:
        if isinstance(entry, dict) and entry.get("id") == key_id:
            return entry
    raise KeyIsUnknown(key_id)


def _instant(entry: Entry) -> datetime:
    try:
        return credential_of_entry(entry).expires_at or datetime.max.replace(tzinfo=UTC)
    except ENTRY_FAULTS as error:
        raise KeyIsRefused(f"{entry.get('id')} is unreadable, revoke it: {error}") from error


def _listed(entry: Any, now: datetime) -> ApiKey:
    known = entry if isinstance(entry, dict) else {}
    try:
        expires_at = credential_of_entry(known).expires_at
        state = "expired" if expires_at and expires_at <= now else "active"
    except ENTRY_FAULTS as error:
        state = f"broken: {error!r}"
    key_id = str(known.get("id"))
    return ApiKey(
        id=key_id,
        masked=f"{PREFIX}{key_id}_…{known.get('ending', '')}",
        state=state,
        tenant=str(known.get("tenant")),
        role=str(known.get("role")),
        subject=str(subject_of_entry(known, key_id)),
        scopes=[str(scope) for scope in known.get("scopes") or ()],
        expires_at=str(known.get("expires_at")),
    )
