import hashlib
import json
import zlib
from datetime import timedelta
from pathlib import Path

import pytest

from shared.framework.http.api_keys import ApiKeyVerifier
from shared.framework.http.authorization import CredentialIsNotAccepted, Role
from shared.framework.http.tests.doubles import NOON
from shared.framework.testing.fakes import FakeClock

SECRET = "0123456789abcdef" * 3


def spelt(key_id: str = "k1", secret: str = SECRET) -> str:
    body = f"th_live_{key_id}_{secret}"
    return f"{body}_{zlib.crc32(body.encode()):08x}"


class Cabinet:
    def __init__(self, folder: Path) -> None:
        self.file = folder / "api_keys.json"
        self.clock = FakeClock()
        self.keep(spelt())
        self.keys = ApiKeyVerifier(self.file, self.clock)

    def keep(self, *keys: str, **changes: object) -> None:
        self.file.write_text(json.dumps({"keys": [self.entry(key) | changes for key in keys]}))

    def entry(self, key: str) -> dict[str, object]:
        return {
            "id": key.split("_")[2],
            "sha256": hashlib.sha256(key.encode()).hexdigest(),
            "tenant": "acme",
            "role": "service",
            "scopes": ["usage:write"],
            "expires_at": (NOON + timedelta(days=90)).isoformat(),
        }


def test_a_known_key_grants_what_its_entry_says(tmp_path: Path) -> None:
    """The actor in history is the key's id, never the key."""
    credential = Cabinet(tmp_path).keys.read(spelt())
    assert (credential.subject, credential.tenant_id, credential.role) == ("key:k1", "acme", Role.SERVICE)
    assert credential.scopes == {"usage:write"}


@pytest.mark.parametrize(
    "key",
    [
        spelt(secret=SECRET.replace("0", "1")),
        spelt(key_id="k2"),
        spelt()[:-1] + ("0" if spelt()[-1] != "0" else "1"),
        spelt()[:-9],
        spelt().upper(),
        spelt() + "\n",
        "th_live_",
        spelt(secret="short"),  # pragma: allowlist secret
    ],
    ids=[
        "unknown",
        "other id",
        "checksum",
        "no checksum",
        "upper case",
        "newline",
        "prefix only",
        "too short",
    ],
)
def test_any_other_key_is_refused(key: str, tmp_path: Path) -> None:
    """Whether mistyped or invented."""
    with pytest.raises(CredentialIsNotAccepted):
        Cabinet(tmp_path).keys.read(key)


def test_a_key_ends_with_its_day(tmp_path: Path) -> None:
    """Expiry is an instant, and that instant is over."""
    cabinet = Cabinet(tmp_path)
    cabinet.clock.move(timedelta(days=90) - timedelta(seconds=1))
    cabinet.keys.read(spelt())
    cabinet.clock.move(timedelta(seconds=1))
    with pytest.raises(CredentialIsNotAccepted):
        cabinet.keys.read(spelt())


def test_a_revoked_key_is_refused_within_seconds(tmp_path: Path) -> None:
    """Taking it out of the file is enough."""
    cabinet = Cabinet(tmp_path)
    cabinet.keep(spelt("k2"))
    cabinet.clock.move(timedelta(seconds=1))
    assert cabinet.keys.read(spelt("k2")).subject == "key:k2"
    with pytest.raises(CredentialIsNotAccepted):
        cabinet.keys.read(spelt())


@pytest.mark.parametrize(
    "change", [{"expires_at": "2026-01-01T00:00:00"}, {"role": "root"}, {"tenant": None}, {"scopes": "all"}]
)
def test_an_entry_that_cannot_be_understood_stops_the_start(
    change: dict[str, object], tmp_path: Path
) -> None:
    """A key without an offset in its expiry, or of an unknown role, would be a guess."""
    cabinet = Cabinet(tmp_path)
    cabinet.keep(spelt(), **change)
    with pytest.raises(ValueError):
        ApiKeyVerifier(cabinet.file, cabinet.clock)
