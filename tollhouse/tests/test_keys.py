"""`tollhouse keys`, and what services then accept."""

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from shared.framework.http.authentication import BearerAuthenticator
from shared.framework.http.authorization import Credential, CredentialIsNotAccepted, Role
from tollhouse.cli import app
from tollhouse.cli.output import FAILED
from tollhouse.credentials import Credentials


class Clock:
    """The system's clock, as much later as a test says."""

    def __init__(self) -> None:
        self.later = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.later


class House:
    """A folder of credentials, the commands on it, and a service that reads it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.credentials = Credentials(folder / "keys")
        self.service = BearerAuthenticator(
            self.credentials.jwks_file, self.credentials.api_keys_file, self.clock
        )

    def run(self, *command: str, expect: int = 0) -> Result:
        done = CliRunner().invoke(app, [*command, "--folder", str(self.folder)])
        assert done.exit_code == expect, f"{done.output}\n{done.exception!r}"
        return done

    def enter(self, secret: str, after: timedelta = timedelta(seconds=1)) -> Credential:
        self.clock.later += after
        return self.service.authenticate([(b"authorization", b"Bearer " + secret.encode())])

    def listed(self) -> list[dict[str, str]]:
        found: list[dict[str, str]] = json.loads(self.run("keys", "list", "--json").stdout)
        return found


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_created_key_is_listed_by_its_ends_and_stored_as_a_hash(house: House) -> None:
    """It is shown once; the list tells it from others, and the file opens nothing."""
    key = house.run("keys", "create", "--tenant", "acme", "--role", "auditor").stdout.strip()
    (listed,) = house.listed()
    assert (listed["tenant"], listed["role"], listed["state"]) == ("acme", "auditor", "active")
    assert listed["masked"] == f"th_live_{listed['id']}_…{key[-4:]}"
    file = house.credentials.api_keys_file
    assert key.split("_")[3] not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert house.enter(key).subject == f"key:{listed['id']}"
    assert key[-4:] in house.run("keys", "list").stdout


def test_a_revoked_key_is_refused_and_no_longer_listed(house: House) -> None:
    """Within seconds, without a restart."""
    key, other = (house.run("keys", "create").stdout.strip() for _ in range(2))
    house.enter(key)
    house.run("keys", "revoke", key.split("_")[2])
    with pytest.raises(CredentialIsNotAccepted):
        house.enter(key)
    house.enter(other)
    assert [one["id"] for one in house.listed()] == [other.split("_")[2]]
    assert "no key" in house.run("keys", "revoke", "unknown", expect=FAILED).stderr


def test_a_rotated_key_works_beside_its_successor_for_the_overlap(house: House) -> None:
    """Both grant the same and act as the same subject, so that history shows one actor."""
    command = ("--tenant", "acme", "--role", "customer", "--subject", "cus_1", "--json")
    old = json.loads(house.run("keys", "create", *command).stdout)
    new = json.loads(house.run("keys", "rotate", old["id"], "--overlap-hours", "1", "--json").stdout)
    for key in (old["key"], new["key"]):
        credential = house.enter(key)
        assert (credential.subject, credential.tenant_id, credential.role) == ("cus_1", "acme", Role.CUSTOMER)
    house.enter(new["key"], after=timedelta(hours=1))
    with pytest.raises(CredentialIsNotAccepted):
        house.enter(old["key"])


def test_a_rotation_does_not_lengthen_the_life_of_a_key(house: House) -> None:
    """It would have ended before the overlap."""
    old = house.run("keys", "create", "--days", "1").stdout.strip()
    ends = house.listed()[0]["expires_at"]
    new = house.run("keys", "rotate", old.split("_")[2], "--overlap-hours", "100").stdout.strip()
    assert house.listed()[0]["expires_at"] == ends
    assert house.enter(new).subject == f"key:{old.split('_')[2]}"


@pytest.mark.parametrize("command", [("keys", "create"), ("token", "--api-key"), ("token",)], ids=" ".join)
@pytest.mark.parametrize(
    "wrong",
    [
        ("--tenant", "*", "--role", "billing_admin"),
        ("--tenant", "a b"),
        ("--subject", "ac\u200bme"),
        ("--subject", "x" * 257),
    ],
)
def test_what_no_service_would_accept_is_refused_when_it_is_made(
    house: House, command: tuple[str, ...], wrong: tuple[str, ...]
) -> None:
    """Such an entry once made the whole file unreadable."""
    before = house.credentials.api_keys_file.read_bytes()
    assert "no service would accept" in house.run(*command, *wrong, expect=FAILED).stderr
    assert house.credentials.api_keys_file.read_bytes() == before


def test_a_broken_entry_is_listed_and_can_be_revoked(house: House) -> None:
    """Whoever put it there by hand learns why it does not work."""
    good = house.run("keys", "create").stdout.strip()
    file = house.credentials.api_keys_file
    (entry,) = json.loads(file.read_text())["keys"]
    file.write_text(json.dumps({"keys": [entry | {"id": "k9", "tenant": "*"}, 7, entry]}))
    states = {one["id"]: one["state"] for one in house.listed()}
    assert "only a service may be of every tenant" in states["k9"]
    assert states[good.split("_")[2]] == "active"
    house.run("keys", "rotate", "k9", expect=FAILED)
    house.run("keys", "revoke", "k9")
    assert "k9" not in {one["id"] for one in house.listed()}
    file.write_text("{")
    for command in (("list",), ("create",), ("rotate", "k1"), ("revoke", "k1")):
        assert "not an object" in house.run("keys", *command, expect=FAILED).stderr


def test_a_key_acts_as_the_subject_that_was_asked_for(house: House) -> None:
    """As a token does."""
    asked = ("--tenant", "acme", "--role", "customer", "--subject", "cus_7")
    for kind in ((), ("--api-key",)):
        secret = house.run("token", *kind, *asked).stdout.strip()
        assert house.enter(secret).subject == "cus_7"


def test_keys_are_kept_in_any_file(house: House, tmp_path: Path) -> None:
    """Such as one that becomes a secret of a cluster."""
    file = tmp_path / "elsewhere.json"
    key = house.run("keys", "create", "--file", str(file)).stdout.strip()
    assert key.split("_")[2] in file.read_text()
    assert house.listed() == []
