import hashlib
import json
import zlib
from datetime import timedelta
from pathlib import Path

import pytest

from shared.framework.http.api_keys import ApiKeyVerifier
from shared.framework.http.authorization import CredentialIsNotAccepted, Role
from shared.framework.http.tests.doubles import NOON
from shared.framework.observability.metrics import metrics_page
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

    def write(self, *entries: dict[str, object]) -> None:
        self.file.write_text(json.dumps({"keys": entries}))
        self.clock.move(timedelta(seconds=1))

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


BROKEN: list[dict[str, object]] = [
    {"expires_at": "2026-01-01T00:00:00"},
    {"expires_at": "9999-12-31T23:59:59-23:59"},
    {"role": "root"},
    {"tenant": None},
    {"tenant": "*", "role": "billing_admin"},
    {"scopes": "all"},
    {"sha256": 7},
    {"sha256": "abc"},
    {"subject": "a\0b"},
    {"id": None, "role": None},
]


@pytest.mark.parametrize("change", BROKEN, ids=str)
def test_an_entry_that_cannot_be_understood_disables_itself_only(
    change: dict[str, object], tmp_path: Path
) -> None:
    """The other keys work, also after a restart, and the revocation of one is felt beside it."""
    cabinet = Cabinet(tmp_path)
    broken = cabinet.entry(spelt("k9")) | change
    cabinet.write(cabinet.entry(spelt()), broken, cabinet.entry(spelt("k2")))
    for keys in (cabinet.keys, ApiKeyVerifier(cabinet.file, cabinet.clock)):
        assert keys.read(spelt()).subject == "key:k1"
        with pytest.raises(CredentialIsNotAccepted):
            keys.read(spelt("k9"))
        assert keys.warning == "api_keys.json has entries that cannot be used: 1"
    assert b"tollhouse_api_keys_unreadable 1.0" in metrics_page()
    cabinet.write(broken, cabinet.entry(spelt("k2")))
    assert cabinet.keys.read(spelt("k2")).subject == "key:k2"
    with pytest.raises(CredentialIsNotAccepted):
        cabinet.keys.read(spelt())
    cabinet.write(cabinet.entry(spelt("k2")))
    assert cabinet.keys.warning is None
    assert b"tollhouse_api_keys_unreadable 0.0" in metrics_page()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"keys": 7}', "[" * 100_000])
def test_a_file_that_is_none_refuses_no_key_that_worked(content: str, tmp_path: Path) -> None:
    """A process that starts on it serves as well, and accepts no key until it can read one."""
    cabinet = Cabinet(tmp_path)
    cabinet.file.write_text(content)
    cabinet.clock.move(timedelta(seconds=1))
    assert cabinet.keys.read(spelt()).subject == "key:k1"
    started = ApiKeyVerifier(cabinet.file, cabinet.clock)
    with pytest.raises(CredentialIsNotAccepted):
        started.read(spelt())
    for keys in (cabinet.keys, started):
        assert keys.warning == "api_keys.json cannot be read; its last readable version stays in use"
    cabinet.keep(spelt())
    cabinet.clock.move(timedelta(seconds=1))
    assert started.read(spelt()).subject == "key:k1"
    assert started.warning is None


def test_an_unreadable_file_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Not at every look: the log of a night must still show what else happened."""
    cabinet = Cabinet(tmp_path)
    cabinet.file.write_text("{")
    for _ in range(5):
        cabinet.clock.move(timedelta(seconds=1))
        cabinet.keys.read(spelt())
    assert len(caplog.records) == 1


def test_a_key_acts_as_its_subject(tmp_path: Path) -> None:
    """Such as a customer, who sees their own rows only."""
    cabinet = Cabinet(tmp_path)
    cabinet.keep(spelt(), subject="cus_1", role="customer")
    cabinet.clock.move(timedelta(seconds=1))
    assert cabinet.keys.read(spelt()).subject == "cus_1"
