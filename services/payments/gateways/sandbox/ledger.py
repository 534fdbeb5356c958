"""The charges and refunds of the sandbox gateway, and the port of the ledger that stores them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from shared.billing.money import Money


class ChargeStatus(StrEnum):
    """What the sandbox did for a key."""

    LOST = "lost"
    """The request was not received."""
    DECLINED = "declined"
    CHARGED = "charged"
    """The money is taken at `charged_at`, which may be ahead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxCharge:
    """The charge of one key; `index` counts the charges of its card from 0."""

    key: str
    card: str
    index: int
    step: str
    amount: Money
    status: ChargeStatus
    reference: str
    charged_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxRefund:
    """Money of a charge that was sent back."""

    key: str
    charge_reference: str
    amount: Money


class SandboxLedger(Protocol):
    """Port of the ledger. It is durable, as a real gateway's is: every write is committed when it returns."""

    async def get_or_create(
        self, key: str, card: str, create: Callable[[int], SandboxCharge]
    ) -> tuple[SandboxCharge, bool]:
        """The charge of the key, and whether it is new: made by `create` from its index."""

    async def find(self, key_or_reference: str) -> SandboxCharge | None:
        """The charge with this key or this reference."""

    async def complete_late(self, key: str, charged_at: datetime) -> None:
        """Charge a key whose request was lost; one that was not lost stays as it is."""

    async def refund(self, refund: SandboxRefund) -> bool:
        """Store the refund unless there is one with its key; whether it is new."""

    async def charges(self) -> Sequence[SandboxCharge]:
        """All charges in the order of their keys, for audits."""

    async def refunds(self) -> Sequence[SandboxRefund]:
        """All refunds in the order of their keys, for audits."""


class MemorySandboxLedger:
    """In-memory implementation, for tests and simulation."""

    def __init__(self) -> None:
        """A ledger without charges."""
        self._charges: dict[str, SandboxCharge] = {}
        self._refunds: dict[str, SandboxRefund] = {}

    async def get_or_create(
        self, key: str, card: str, create: Callable[[int], SandboxCharge]
    ) -> tuple[SandboxCharge, bool]:
        """See SandboxLedger."""
        fresh = key not in self._charges
        if fresh:
            index = sum(charge.card == card for charge in self._charges.values())
            self._charges[key] = create(index)
        return self._charges[key], fresh

    async def find(self, key_or_reference: str) -> SandboxCharge | None:
        """See SandboxLedger."""
        return next((c for c in self._charges.values() if key_or_reference in (c.key, c.reference)), None)

    async def complete_late(self, key: str, charged_at: datetime) -> None:
        """See SandboxLedger."""
        charge = self._charges[key]
        if charge.status is ChargeStatus.LOST:
            self._charges[key] = replace(charge, status=ChargeStatus.CHARGED, charged_at=charged_at)

    async def refund(self, refund: SandboxRefund) -> bool:
        """See SandboxLedger."""
        return self._refunds.setdefault(refund.key, refund) is refund

    async def charges(self) -> Sequence[SandboxCharge]:
        """See SandboxLedger."""
        return [self._charges[key] for key in sorted(self._charges)]

    async def refunds(self) -> Sequence[SandboxRefund]:
        """See SandboxLedger."""
        return [self._refunds[key] for key in sorted(self._refunds)]
