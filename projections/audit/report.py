"""The result of an audit."""

from collections.abc import Callable
from dataclasses import dataclass, field

Progress = Callable[[str], None]
"""Called with what an audit does now, in a few words."""


def unseen(_: str) -> None:
    """A Progress that shows nothing."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference: `where` names a model, a context or a check, `what` the row, stream or invoice."""

    where: str
    tenant_id: str
    what: str
    detail: str

    def __str__(self) -> str:
        """For people, in one line."""
        return f"{self.where}: {self.what} (tenant {self.tenant_id}): {self.detail}"


@dataclass(slots=True)
class AuditReport:
    """All differences, and the numbers of rows and events that were compared."""

    differences: list[Difference] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    """Per read model: a digest of all its rows, the same on every machine with the same events."""

    @property
    def ok(self) -> bool:
        """Whether there is no difference."""
        return not self.differences
