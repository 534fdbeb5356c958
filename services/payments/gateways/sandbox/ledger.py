"""What the sandbox did: it outlives crashes of everybody else, as a real gateway's memory does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from shared.billing.money import Money


class ChargeStatus(StrEnum):
    """What the sandbox has done about a key."""

    LOST = "lost"
    """The request never arrived."""
    DECLINED = "declined"
    CHARGED = "charged"
    """Money is taken, from `charged_at` on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxCharge:
    """One key, for ever; `place` counts the charges of its card from 0."""

    key: str
    card: str
    place: int
    step: str
    amount: Money
    status: ChargeStatus
    reference: str
    charged_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxRefund:
    """Money that went back."""

    key: str
    charge_reference: str
    amount: Money


class SandboxLedger(Protocol):
    """Every write is committed by itself, before the sandbox answers or falls silent."""

    async def get_or_create(
        self, key: str, card: str, begin: Callable[[int], SandboxCharge]
    ) -> tuple[SandboxCharge, bool]:
        """The key's entry, and whether it is new: then `begin` made it, from its place among its card's."""
        ...

    async def find(self, key: str) -> SandboxCharge | None:
        """The entry of a key."""
        ...

    async def by_reference(self, reference: str) -> SandboxCharge | None:
        """The entry with this reference."""
        ...

    async def complete_late(self, key: str, charged_at: datetime) -> SandboxCharge:
        """A request that was lost has arrived at last: charged, once."""
        ...

    async def refund(self, refund: SandboxRefund) -> bool:
        """Write it down unless its key is there; whether it is new."""
        ...

    async def entries(self) -> Sequence[SandboxCharge]:
        """Everything, by key: for audits."""
        ...

    async def refunds(self) -> Sequence[SandboxRefund]:
        """All money that went back, by key: for audits."""
        ...


class MemorySandboxLedger:
    """Books for tests and simulation: durable as long as the object is kept."""

    def __init__(self) -> None:
        """Nothing happened yet."""
        self._entries: dict[str, SandboxCharge] = {}
        self._refunds: dict[str, SandboxRefund] = {}

    async def get_or_create(
        self, key: str, card: str, begin: Callable[[int], SandboxCharge]
    ) -> tuple[SandboxCharge, bool]:
        """See SandboxLedger."""
        fresh = key not in self._entries
        if fresh:
            place = sum(entry.card == card for entry in self._entries.values())
            self._entries[key] = begin(place)
        return self._entries[key], fresh

    async def find(self, key: str) -> SandboxCharge | None:
        """See SandboxLedger."""
        return self._entries.get(key)

    async def by_reference(self, reference: str) -> SandboxCharge | None:
        """See SandboxLedger."""
        return next((e for e in self._entries.values() if e.reference == reference), None)

    async def complete_late(self, key: str, charged_at: datetime) -> SandboxCharge:
        """See SandboxLedger."""
        entry = self._entries[key]
        if entry.status is ChargeStatus.LOST:
            self._entries[key] = replace(entry, status=ChargeStatus.CHARGED, charged_at=charged_at)
        return self._entries[key]

    async def refund(self, refund: SandboxRefund) -> bool:
        """See SandboxLedger."""
        return self._refunds.setdefault(refund.key, refund) is refund

    async def entries(self) -> Sequence[SandboxCharge]:
        """See SandboxLedger."""
        return [self._entries[key] for key in sorted(self._entries)]

    async def refunds(self) -> Sequence[SandboxRefund]:
        """See SandboxLedger."""
        return [self._refunds[key] for key in sorted(self._refunds)]
