"""Doubles of what composition roots hand in: a clock that stands, ids that count, callers known by name."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from shared.framework.http.credential import Credential, CredentialIsNotAccepted, RawHeaders, Role


class FakeClock:
    """Stands still until it is told to move."""

    def __init__(self, now: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)) -> None:
        """Stands at `now`."""
        self._now = now

    def now(self) -> datetime:
        """See Clock."""
        return self._now

    def move(self, by: timedelta) -> None:
        """Let time pass."""
        self._now += by


class SequentialIds:
    """`ub_00000000000000000000000001`, and so on."""

    def __init__(self) -> None:
        """Begin with 1."""
        self._count = 0

    def new(self, prefix: str) -> str:
        """See Ids."""
        self._count += 1
        return f"{prefix}_{self._count:026d}"


class FakeAuthenticator:
    """`Authorization: Bearer <name>` is that caller; anybody else is nobody."""

    def __init__(self, callers: Mapping[str, Credential]) -> None:
        """Let these in."""
        self._callers = callers

    def authenticate(self, headers: RawHeaders) -> Credential:
        """See Authenticator."""
        name = dict(headers).get(b"authorization", b"").decode("latin-1").removeprefix("Bearer ")
        if name not in self._callers:
            raise CredentialIsNotAccepted
        return self._callers[name]


def caller(tenant_id: str, *scopes: str, role: Role = Role.BILLING_ADMIN) -> Credential:
    """A credential of this tenant with these scopes."""
    return Credential(f"{tenant_id}-agent", tenant_id, role, frozenset(scopes))
