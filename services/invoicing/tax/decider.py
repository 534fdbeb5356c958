"""The tax rates of a tenant, and the tax on an invoice (billing rule 8)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext

from shared.billing.contracts.invoicing.invoices import TaxAmount
from shared.billing.contracts.invoicing.tax import TaxRateSet
from shared.billing.money import EXACT, Money
from shared.framework.core.decider import Decider
from shared.framework.core.ids import derived_id
from shared.framework.core.refusals import Refusal, RefusalKind


class TaxRateIsInvalid(Refusal):
    """A tax rate is a fraction from 0 to 1, such as 0.0825."""

    code = "tax-rate-invalid"
    kind = RefusalKind.INVALID


class TaxRateIsUnknown(Refusal):
    """No tax rate was set."""

    code = "tax-rate-unknown"
    kind = RefusalKind.NOT_FOUND


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTaxRate:
    """Set the tax rate of invoices finalized from now on; `rate` is a fraction, 0 for no tax."""

    name: str
    rate: Decimal
    source: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRate:
    """The name and rate (a fraction) of a tax, as an invoice has them."""

    name: str
    rate: Decimal


TaxRateHistory = tuple[TaxRateSet, ...]
"""All rates that the tenant has set, in that order."""


def tax_rates_id(tenant_id: str) -> str:
    """The stream of a tenant's tax rates."""
    return derived_id("tax", tenant_id)


def decide(rates: TaxRateHistory, command: SetTaxRate) -> Sequence[TaxRateSet]:
    """The new rate; nothing if it equals the present one. Raises TaxRateIsInvalid."""
    if not 0 <= command.rate <= 1:
        raise TaxRateIsInvalid(str(command.rate))
    last = rates[-1] if rates else None
    if last and (last.name, last.rate, last.source) == (command.name, command.rate, command.source):
        return []
    return [TaxRateSet(name=command.name, rate=command.rate, source=command.source, set_at=command.now)]


def evolve(rates: TaxRateHistory, event: TaxRateSet) -> TaxRateHistory:
    """The state after an event."""
    return (*rates, event)


TAX_RATES: Decider[TaxRateHistory, SetTaxRate, TaxRateSet] = Decider((), decide, evolve)


def rate_in_force(rates: TaxRateHistory, at: datetime) -> TaxRate | None:
    """The last rate set at or before an instant; None when there is none, or it is zero.

    Before the first rate that one applies: a test clock may stand years before the day on which the
    tenant was set up.
    """
    set_by_then = [rate for rate in rates if rate.set_at <= at] or rates[:1]
    if not set_by_then or not set_by_then[-1].rate:
        return None
    return TaxRate(name=set_by_then[-1].name, rate=set_by_then[-1].rate)


def taxes_on(subtotal: Money, rate: TaxRate | None) -> tuple[TaxAmount, ...]:
    """The tax on a subtotal: base times rate, rounded once (billing rule 8); none without a rate."""
    if rate is None:
        return ()
    with localcontext(EXACT):
        amount = Money.rounded(subtotal.major * rate.rate, subtotal.currency)
    return (TaxAmount(name=rate.name, rate=rate.rate, base=subtotal, amount=amount),)
