"""What a charge must be to be published: its price in each currency, its terms, and its dimensions."""

from collections.abc import Sequence

from shared.billing.contracts.subscriptions.meters import MeterRegistered
from shared.billing.contracts.subscriptions.plans import Charge, PlanPublished
from shared.billing.currency import checked_currency
from shared.billing.pricing import Price, UsageDetail, check_terms, dimensions_of
from shared.framework.core.refusals import Refusal, RefusalKind, in_field


class CurrencyPriceDoesNotFit(Refusal):
    """A price in another currency is of another kind than the charge's own, or of the plan's currency."""

    code = "currency-price-does-not-fit"
    kind = RefusalKind.INVALID


class CurrencyIsMissing(Refusal):
    """Every charge of a plan must have a price in each of the plan's currencies."""

    code = "charge-currency-missing"
    kind = RefusalKind.INVALID


class PlanLosesCurrency(Refusal):
    """A new version of a plan must have all currencies of the version before: subscriptions pay in them."""

    code = "plan-currency-lost"
    kind = RefusalKind.CONFLICT


class PriceDimensionIsUnknown(Refusal):
    """A price names a dimension by which its meter does not group usage."""

    code = "price-dimension-unknown"
    kind = RefusalKind.UNPROCESSABLE


class MeterHasNoEventValues(Refusal):
    """A price of single events needs a meter whose events have numbers; this one only tells values apart."""

    code = "meter-has-no-event-values"
    kind = RefusalKind.UNPROCESSABLE


def check_prices(charge: Charge, currency: str) -> None:
    """Refuse prices and terms, in any currency, that cannot be billed.

    Raises CurrencyPriceDoesNotFit, CurrencyIsUnknown, and what prices and terms are refused for.
    """
    with in_field("price"):
        charge.price.check()
    has_meter = charge.meter_key is not None
    check_terms(charge.price, charge, has_meter=has_meter)
    for code, other in charge.currency_prices.items():
        with in_field("currency_prices", code):
            if checked_currency(code) == currency:
                raise CurrencyPriceDoesNotFit(f"{code} is the plan's own currency")
            with in_field("price"):
                if other.price.needs_meter is not charge.price.needs_meter:
                    raise CurrencyPriceDoesNotFit(charge.key)
                other.price.check()
            check_terms(other.price, charge.priced_in(code), has_meter=has_meter)


def check_currencies(charges: Sequence[Charge]) -> None:
    """Raise CurrencyIsMissing unless all charges have prices in the same currencies."""
    codes = {code for charge in charges for code in charge.currency_prices}
    for index, charge in enumerate(charges):
        if missing := sorted(codes - charge.currency_prices.keys()):
            with in_field("charges", index, "currency_prices"):
                raise CurrencyIsMissing(f"{charge.key}: {', '.join(missing)}")


def check_kept_currencies(before: PlanPublished, published: PlanPublished) -> None:
    """Raise PlanLosesCurrency if a currency of the version before has no price any more."""
    if lost := sorted(before.currencies - published.currencies):
        with in_field("currency"):
            raise PlanLosesCurrency(", ".join(lost))


def check_meter(charge: Charge, meter: MeterRegistered) -> None:
    """Refuse prices that need of a meter what it does not have.

    Raises PriceDimensionIsUnknown and MeterHasNoEventValues.
    """
    with in_field("price"):
        _check_needs(charge.price, meter)
    for code, other in charge.currency_prices.items():
        with in_field("currency_prices", code, "price"):
            _check_needs(other.price, meter)


def _check_needs(price: Price, meter: MeterRegistered) -> None:
    if not price.needs_meter:
        return
    if unknown := sorted(dimensions_of(price) - set(meter.group_by)):
        raise PriceDimensionIsUnknown(f"{', '.join(unknown)} of {meter.key}")
    if price.usage_detail is UsageDetail.EVENTS and not meter.has_event_values:
        raise MeterHasNoEventValues(meter.key)
