"""Every way in which invoicing says no."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTaxRate:
    """Tax every invoice that is finalized from now on; `rate` is a fraction, zero for none."""

    name: str
    rate: Decimal
    source: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRate:
    """A tax as it is put on a document."""

    name: str
    rate: Decimal


TaxRateHistory = tuple[TaxRateSet, ...]
"""Every rate that the tenant ever set, in the order in which they were set."""


def tax_rates_id(tenant_id: str) -> str:
    """The stream of a tenant's tax rates."""
    return derived_id("tax", tenant_id)


def decide(rates: TaxRateHistory, command: SetTaxRate) -> Sequence[TaxRateSet]:
    """Another rate is another fact; the same one again is none."""
    if not 0 <= command.rate <= 1:
        raise TaxRateIsInvalid(str(command.rate))
    said = TaxRateSet(name=command.name, rate=command.rate, source=command.source, set_at=command.now)
    if rates and _content(rates[-1]) == _content(said):
        return []
    return [said]


def evolve(rates: TaxRateHistory, event: TaxRateSet) -> TaxRateHistory:
    """What is true after this event."""
    return (*rates, event)


TAX_RATES: Decider[TaxRateHistory, SetTaxRate, TaxRateSet] = Decider((), decide, evolve)


def rate_in_force(rates: TaxRateHistory, at: datetime) -> TaxRate | None:
    """The last rate set by then.

    Before the first one that one counts: a test clock may stand years before the day on which the
    tenant was set up. None when there is no rate, or it is zero.
    """
    known = [rate for rate in rates if rate.set_at <= at] or rates[:1]
    if not known or not known[-1].rate:
        return None
    return TaxRate(name=known[-1].name, rate=known[-1].rate)


def taxes_on(subtotal: Money, rate: TaxRate | None) -> tuple[TaxAmount, ...]:
    """The exact base times the rate, rounded once."""
    if rate is None:
        return ()
    with localcontext(EXACT):
        amount = Money.rounded(subtotal.major * rate.rate, subtotal.currency)
    return (TaxAmount(name=rate.name, rate=rate.rate, base=subtotal, amount=amount),)


def _content(rate: TaxRateSet) -> tuple[object, ...]:
    return (rate.name, rate.rate, rate.source)
