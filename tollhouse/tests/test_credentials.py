import hashlib
import json
import stat
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from shared.framework.http.authentication import BearerAuthenticator
from tollhouse.credentials import Credentials


class Now:
    """The system clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def published_keys(credentials: Credentials) -> KeySet:
    return KeySet.import_key_set(json.loads(credentials.jwks_file.read_text()))


def test_a_token_is_verified_by_the_published_keys_and_carries_its_claims(tmp_path: Path) -> None:
    """A service sees nothing of us but the JWKS file."""
    credentials = Credentials(tmp_path)
    token = credentials.token(tenant="acme", role="billing_admin", scopes=["usage:write"])
    read = jwt.decode(token, published_keys(credentials), algorithms=["RS256"])
    expected = {
        "iss": "tollhouse",
        "aud": "tollhouse",
        "sub": "local",
        "tenant": "acme",
        "role": "billing_admin",
        "scopes": ["usage:write"],
    }
    assert {name: read.claims[name] for name in expected} == expected
    assert read.claims["exp"] - read.claims["iat"] == timedelta(days=1).total_seconds()
    assert read.header["alg"] == "RS256"


def test_tokens_of_another_installation_are_refused(tmp_path: Path) -> None:
    """Each installation trusts its own key only."""
    ours, theirs = Credentials(tmp_path / "ours"), Credentials(tmp_path / "theirs")
    token = theirs.token(tenant="acme", role="billing_admin", scopes=[])
    with pytest.raises(JoseError):
        jwt.decode(token, published_keys(ours), algorithms=["RS256"])


def test_the_key_is_found_again_so_that_old_tokens_stay_good(tmp_path: Path) -> None:
    """Tokens stay valid after a restart."""
    token = Credentials(tmp_path).token(tenant="acme", role="auditor", scopes=[])
    jwt.decode(token, published_keys(Credentials(tmp_path)), algorithms=["RS256"])


def test_the_published_keys_hold_nothing_private(tmp_path: Path) -> None:
    """The public file cannot sign, and other users cannot read the private one."""
    Credentials(tmp_path)
    (key,) = json.loads((tmp_path / "jwks.json").read_text())["keys"]
    assert not {"d", "p", "q", "dp", "dq", "qi"} & set(key)
    assert stat.S_IMODE((tmp_path / "private.json").stat().st_mode) == 0o600


def test_of_an_api_key_only_the_hash_is_kept(tmp_path: Path) -> None:
    """A stolen file of keys opens nothing."""
    credentials = Credentials(tmp_path)
    key = credentials.api_key(tenant="acme", role="service", scopes=["usage:write"])
    stored = (tmp_path / "api_keys.json").read_text()
    (entry,) = json.loads(stored)["keys"]
    assert key not in stored
    assert key.split("_")[3] not in stored
    assert entry["sha256"] == hashlib.sha256(key.encode()).hexdigest()
    assert (entry["tenant"], entry["scopes"]) == ("acme", ["usage:write"])
    assert datetime.fromisoformat(entry["expires_at"]) > datetime.now(UTC) + timedelta(days=364)


def test_an_api_key_ends_with_the_checksum_of_what_is_before(tmp_path: Path) -> None:
    """A key with a typing error is refused before any look-up."""
    key = Credentials(tmp_path).api_key(tenant="acme", role="service", scopes=[])
    body, _, checksum = key.rpartition("_")
    assert key.startswith("th_live_")
    assert int(checksum, 16) == zlib.crc32(body.encode())


def test_the_service_token_reads_feeds_for_every_tenant(tmp_path: Path) -> None:
    """Our own processes heal holes from each other's feeds; they may do nothing else."""
    credentials = Credentials(tmp_path)
    token = credentials.write_service_token().read_text()
    claims = jwt.decode(token, published_keys(credentials), algorithms=["RS256"]).claims
    assert (claims["tenant"], claims["role"], claims["scopes"]) == ("*", "service", ["feed:read"])


def test_services_accept_what_the_front_door_mints(tmp_path: Path) -> None:
    """Minting and verifying are written apart; this is where they meet."""
    credentials = Credentials(tmp_path)
    key = credentials.api_key(tenant="acme", role="billing_admin", scopes=["usage:write"])
    token = credentials.token(tenant="acme", role="billing_admin", scopes=["usage:write"])
    verifier = BearerAuthenticator(credentials.jwks_file, credentials.api_keys_file, Now())
    for secret in (token, key):
        credential = verifier.authenticate([(b"authorization", b"Bearer " + secret.encode())])
        assert (credential.tenant_id, credential.role) == ("acme", "billing_admin")
        assert set(credential.scopes) == {"usage:write"}
