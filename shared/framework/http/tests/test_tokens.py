import base64
import json
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

from shared.framework.http.authentication import BearerAuthenticator
from shared.framework.http.authorization import Credential, CredentialIsNotAccepted, Role
from shared.framework.http.tests.doubles import NOON
from shared.framework.testing.fakes import FakeClock

NOW = int(NOON.timestamp())


@cache
def key(name: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": name})


def claims(**changes: Any) -> dict[str, Any]:
    """Good claims, with changes; None takes a claim away."""
    good = {"iss": "tollhouse", "aud": "tollhouse", "sub": "ada", "iat": NOW, "exp": NOW + 600}
    mine = {"tenant": "acme", "role": "billing_admin", "scopes": ["usage:read"]}
    return {name: value for name, value in {**good, **mine, **changes}.items() if value is not None}


def signed(body: dict[str, Any], *, by: str = "now", **header: Any) -> str:
    return jwt.encode({"alg": "RS256", "kid": by, **header}, body, key(by), algorithms=["RS256"])


def spelt(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def unsigned(header: dict[str, Any], body: dict[str, Any], signature: str = "") -> str:
    return f"{spelt(header)}.{spelt(body)}.{signature}"


def confused() -> str:
    """HS256 with our public key as the secret: the classic."""
    secret = key("now").as_pem(private=False)
    text = unsigned({"alg": "HS256", "typ": "JWT", "kid": "now"}, claims()).rpartition(".")[0]
    mac = hmac.HMAC(secret, hashes.SHA256())
    mac.update(text.encode())
    return f"{text}.{base64.urlsafe_b64encode(mac.finalize()).rstrip(b'=').decode()}"


def critical() -> str:
    """Well signed, with a header that says: refuse me unless you understand `exp2`."""
    return signed_as_it_is({"crit": ["exp2"], "exp2": 1}, claims())


def signed_as_it_is(header: dict[str, Any], body: dict[str, Any]) -> str:
    """Well signed, whatever it contains."""
    text = unsigned({"alg": "RS256", "typ": "JWT", "kid": "now", **header}, body).rpartition(".")[0]
    private = key("now").private_key
    assert private is not None
    mark = private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{text}.{base64.urlsafe_b64encode(mark).rstrip(b'=').decode()}"


def tampered() -> str:
    header, _, signature = signed(claims()).split(".")
    return f"{header}.{spelt(claims(tenant='other'))}.{signature}"


BAD: dict[str, Callable[[], str]] = {
    "no algorithm": lambda: unsigned({"alg": "none", "typ": "JWT", "kid": "now"}, claims()),
    "no algorithm, spelt cleverly": lambda: unsigned({"alg": "nOnE", "typ": "JWT", "kid": "now"}, claims()),
    "hs256 with the public key": confused,
    "hs256 with a key of its own": lambda: jwt.encode(
        {"alg": "HS256", "kid": "now"}, claims(), OctKey.generate_key(256), algorithms=["HS256"]
    ),
    "another rsa algorithm": lambda: jwt.encode(
        {"alg": "RS512", "kid": "now"}, claims(), key("now"), algorithms=["RS512"]
    ),
    "somebody else's key": lambda: jwt.encode({"alg": "RS256", "kid": "now"}, claims(), key("evil")),
    "an unknown kid": lambda: signed(claims(), by="evil"),
    "no kid": lambda: jwt.encode({"alg": "RS256"}, claims(), key("now")),
    "its own key in the header": lambda: signed(claims(), by="evil", jwk=key("evil").as_dict(private=False)),
    "an address of keys in the header": lambda: signed(claims(), by="evil", jku="http://127.0.0.1/jwks"),
    "another type": lambda: signed(claims(), typ="dpop+jwt"),
    "a critical header we do not know": critical,
    "claims changed after signing": tampered,
    "no signature": lambda: signed(claims()).rpartition(".")[0] + ".",
    "no expiry": lambda: signed(claims(exp=None)),
    "expired": lambda: signed(claims(exp=NOW - 31)),
    "expiry that is not a number": lambda: signed(claims(exp="never")),
    "expiry that is no instant": lambda: signed(claims(exp=float("nan"))),
    "expiry beyond the calendar": lambda: signed(claims(exp=10**18)),
    "not valid yet": lambda: signed(claims(nbf=NOW + 31)),
    "issued in the future": lambda: signed(claims(iat=NOW + 31)),
    "no issuing instant": lambda: signed(claims(iat=None)),
    "another issuer": lambda: signed(claims(iss="evil")),
    "another audience": lambda: signed(claims(aud="elsewhere")),
    "no subject": lambda: signed(claims(sub=None)),
    "a subject with NUL": lambda: signed(claims(sub="a\0b")),
    "a subject that looks like another": lambda: signed(claims(sub="ad\u200ba")),
    "a subject that is not normalized": lambda: signed(claims(sub="jose\u0301")),
    "half a character as subject": lambda: signed_as_it_is({}, claims(sub="\ud800")),
    "a tenant with NUL": lambda: signed(claims(tenant="a\0")),
    "no tenant": lambda: signed(claims(tenant=None)),
    "every tenant without being a service": lambda: signed(claims(tenant="*")),
    "a tenant that is no identifier": lambda: signed(claims(tenant="a b")),
    "an unknown role": lambda: signed(claims(role="root")),
    "scopes as one text": lambda: signed(claims(scopes="usage:read")),
    "not a token": lambda: "abc",
    "three empty parts": lambda: "..",
    "far too long": lambda: "a." * 10_000,
}


class Door:
    """An authenticator over files that a test may change."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.clock = FakeClock()
        self.jwks = folder / "jwks.json"
        self.api_keys = folder / "api_keys.json"
        self.api_keys.write_text('{"keys": []}')
        self.publish(*names)
        self.authenticator = BearerAuthenticator(self.jwks, self.api_keys, self.clock)

    def publish(self, *names: str) -> None:
        self.jwks.write_text(json.dumps(KeySet([key(name) for name in names]).as_dict(private=False)))

    def enter(self, secret: str, scheme: str = "Bearer") -> Credential:
        return self.authenticator.authenticate([(b"authorization", f"{scheme} {secret}".encode())])


def test_a_good_token_grants_what_it_says(tmp_path: Path) -> None:
    """Tenant, role and scopes, from nowhere else."""
    credential = Door(tmp_path, "now").enter(signed(claims()), scheme="bearer")
    assert (credential.subject, credential.tenant_id) == ("ada", "acme")
    assert (credential.role, credential.scopes) == (Role.BILLING_ADMIN, frozenset({"usage:read"}))
    assert credential.expires_at == NOON + timedelta(seconds=600)


def test_a_service_may_be_of_every_tenant(tmp_path: Path) -> None:
    """That is how our processes read each other's feeds."""
    token = signed(claims(tenant="*", role="service", scopes=["feed:read"]))
    assert Door(tmp_path, "now").enter(token).is_cross_tenant


@pytest.mark.parametrize("make", BAD.values(), ids=BAD.keys())
def test_a_bad_token_is_refused_like_every_other(make: Callable[[], str], tmp_path: Path) -> None:
    """The refusal has no argument, so its words cannot tell one from another (RFC 8725)."""
    with pytest.raises(CredentialIsNotAccepted) as refused:
        Door(tmp_path, "now").enter(make())
    assert refused.value.args == ()


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"authorization", b"Bearer")],
        [(b"authorization", b"Bearer \xff")],
        [(b"authorization", b"Basic YTpi")],
        [(b"authorization", b"Bearer a"), (b"authorization", b"Bearer b")],
    ],
    ids=["none", "empty", "not ascii", "basic", "two"],
)
def test_anything_but_one_bearer_header_is_refused(
    headers: list[tuple[bytes, bytes]], tmp_path: Path
) -> None:
    """Two headers could be read differently by two servers."""
    with pytest.raises(CredentialIsNotAccepted):
        Door(tmp_path, "now").authenticator.authenticate(headers)


def test_a_token_seen_before_still_expires(tmp_path: Path) -> None:
    """Remembering a verification never outlives the token."""
    door = Door(tmp_path, "now")
    token = signed(claims(exp=NOW + 2))
    door.enter(token)
    door.clock.move(timedelta(seconds=1))
    door.enter(token)
    door.clock.move(timedelta(seconds=32))
    with pytest.raises(CredentialIsNotAccepted):
        door.enter(token)


def test_keys_rotate_without_a_restart(tmp_path: Path) -> None:
    """A new key works within a second, a removed one ends within seconds, a kept one stays good."""
    door = Door(tmp_path, "old", "now")
    old, new = signed(claims(), by="old"), signed(claims(), by="new")
    door.enter(old)
    with pytest.raises(CredentialIsNotAccepted):
        door.enter(new)
    door.publish("now", "new")
    door.clock.move(timedelta(seconds=6))
    assert door.enter(new).subject == "ada"
    assert door.enter(signed(claims())).subject == "ada"
    with pytest.raises(CredentialIsNotAccepted):
        door.enter(old)


@pytest.mark.filterwarnings("ignore:Key size")
def test_a_broken_file_of_keys_changes_nothing(tmp_path: Path) -> None:
    """Half a file, no keys in it, one that is none, or a short one: the last good keys stay in force."""
    door = Door(tmp_path, "now")
    short = json.dumps(KeySet([RSAKey.generate_key(1024, {"kid": "now"})]).as_dict(private=False))
    malformed = '{"keys": [{"kty": "RSA", "kid": "now", "n": 7, "e": "AQAB"}]}'
    nameless = '{"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}'
    for content in ("{", "{}", "[]", '{"keys": []}', '{"keys": [7]}', malformed, nameless, short):
        door.jwks.write_text(content)
        door.clock.move(timedelta(seconds=6))
        assert door.enter(signed(claims())).subject == "ada"
    door.jwks.unlink()
    door.clock.move(timedelta(seconds=6))
    assert door.enter(signed(claims())).subject == "ada"


@pytest.mark.filterwarnings("ignore:Key size")
def test_a_broken_key_disables_itself_only(tmp_path: Path) -> None:
    """The others work, at the start too, and a removed one is refused beside it."""
    door = Door(tmp_path, "now", "old")
    good = json.loads(door.jwks.read_text())["keys"]
    short = RSAKey.generate_key(1024, {"kid": "short"}).as_dict(private=False)
    broken = [short, 7, {"kty": "RSA"}, {"kty": "RSA", "kid": "odd", "n": 7, "e": "AQAB"}, {"kid": "none"}]
    door.jwks.write_text(json.dumps({"keys": [*broken, good[0]]}))
    door.clock.move(timedelta(seconds=6))
    started = BearerAuthenticator(door.jwks, door.api_keys, door.clock)
    for authenticator in (door.authenticator, started):
        door.authenticator = authenticator
        assert door.enter(signed(claims())).subject == "ada"
        assert authenticator.warnings() == ["jwks.json has entries that cannot be used: 5"]
        with pytest.raises(CredentialIsNotAccepted):
            door.enter(signed(claims(), by="old"))


def test_a_process_does_not_start_without_keys(tmp_path: Path) -> None:
    """Better no door than one that nobody can open, or everybody."""
    (tmp_path / "api_keys.json").write_text('{"keys": []}')
    (tmp_path / "jwks.json").write_text('{"keys": []}')
    with pytest.raises(ValueError, match="RSA"):
        BearerAuthenticator(tmp_path / "jwks.json", tmp_path / "api_keys.json", FakeClock())


def test_what_is_remembered_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of valid tokens pushes old ones out instead of filling memory."""
    monkeypatch.setattr("shared.framework.http.authentication.VERIFIED_MAX", 3)
    door = Door(tmp_path, "now")
    for number in range(6):
        door.enter(signed(claims(sub=f"s{number}")))
    assert len(door.authenticator._verified) == 3
