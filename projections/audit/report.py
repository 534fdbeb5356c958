"""What an audit says."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference from history: `where` names a model, a context or an invariant, `what` the instance."""

    where: str
    tenant_id: str
    what: str
    detail: str

    def __str__(self) -> str:
        """For people, in one line."""
        return f"{self.where}: {self.what} (tenant {self.tenant_id}): {self.detail}"


@dataclass(slots=True)
class AuditReport:
    """All differences, and how much was looked at: an audit that saw nothing proves nothing."""

    differences: list[Difference] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    """Per read model: one number over all its rows, the same on every machine with the same history."""

    @property
    def ok(self) -> bool:
        """Whether everything is as history says."""
        return not self.differences
