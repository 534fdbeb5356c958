"""Fakes of what a process gives its service: clock, ids and authenticator."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from shared.framework.http.authorization import Credential, CredentialIsNotAccepted, RawHeaders, Role


class FakeClock:
    """A clock that changes only by `move`."""

    def __init__(self, now: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)) -> None:
        """Starts at `now`."""
        self._now = now

    def now(self) -> datetime:
        return self._now

    def move(self, by: timedelta) -> None:
        """Advance the time."""
        self._now += by


class SequentialIds:
    """Ids with consecutive numbers: `ub_00000000000000000000000001`."""

    def __init__(self) -> None:
        """Starts with 1."""
        self._count = 0

    def new(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}_{self._count:026d}"


class FakeAuthenticator:
    """Accepts `Authorization: Bearer <name>` for given names."""

    def __init__(self, callers: Mapping[str, Credential]) -> None:
        """`callers`: credentials by name."""
        self._callers = callers

    def authenticate(self, headers: RawHeaders) -> Credential:
        name = dict(headers).get(b"authorization", b"").decode("latin-1").removeprefix("Bearer ")
        if name not in self._callers:
            raise CredentialIsNotAccepted
        return self._callers[name]

    def warnings(self) -> list[str]:
        return []


def caller(tenant_id: str, *scopes: str, role: Role = Role.BILLING_ADMIN) -> Credential:
    """A credential of this tenant and role with these scopes."""
    return Credential(f"{tenant_id}-agent", tenant_id, role, frozenset(scopes))
