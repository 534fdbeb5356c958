"""A plan: a key with published versions, each a set of charges that never changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.subscriptions.plans.charges import (
    check_currencies,
    check_kept_currencies,
    check_meter,
    check_prices,
)
from shared.billing.contracts.subscriptions.meters import MeterRegistered
from shared.billing.contracts.subscriptions.plans import AtTrialEnd, Charge, PlanPublished
from shared.billing.currency import checked_currency
from shared.billing.entitlements import Entitlement
from shared.billing.period import Interval
from shared.billing.proration import Proration
from shared.framework.core.decider import Decider
from shared.framework.core.ids import derived_id
from shared.framework.core.refusals import ImpossibleHistory, Refusal, RefusalKind, in_field


class PlanIsUnknown(Refusal):
    """There is no such plan, or no such version of it."""

    code = "plan-unknown"
    kind = RefusalKind.NOT_FOUND


class PlanIsEmpty(Refusal):
    """A plan needs at least one charge."""

    code = "plan-empty"
    kind = RefusalKind.INVALID


class ChargeKeyRepeats(Refusal):
    """Two charges of the plan have the same key."""

    code = "charge-key-duplicate"
    kind = RefusalKind.INVALID


class ChargeNeedsMeter(Refusal):
    """A price per unit of usage needs a meter."""

    code = "charge-needs-meter"
    kind = RefusalKind.INVALID


class FlatChargeHasMeter(Refusal):
    """A flat charge does not depend on usage, so it takes no meter."""

    code = "flat-charge-has-meter"
    kind = RefusalKind.INVALID


class UsageChargeIsDueInArrears(Refusal):
    """A charge with a meter is due in arrears each period of the plan, and has no seats."""

    code = "usage-charge-in-arrears"
    kind = RefusalKind.INVALID


class OneOffChargeHasNoPeriod(Refusal):
    """A one-off charge is due at once, so it is neither in advance nor has it an interval."""

    code = "one-off-charge-period"
    kind = RefusalKind.INVALID


class ChargeIntervalDoesNotFit(Refusal):
    """The interval of a charge must be a whole multiple of the plan's interval."""

    code = "charge-interval-invalid"
    kind = RefusalKind.INVALID


class MeterIsUnknown(Refusal):
    """A charge or an entitlement names a meter that is not defined."""

    code = "meter-unknown"
    kind = RefusalKind.UNPROCESSABLE
    reference_to = "metering"


class EntitlementKeyRepeats(Refusal):
    """Two entitlements of the plan have the same key."""

    code = "entitlement-key-duplicate"
    kind = RefusalKind.INVALID


class EntitlementDoesNotFit(Refusal):
    """A limit needs `limit`, a metered entitlement needs `meter_key`, and a boolean one takes neither."""

    code = "entitlement-invalid"
    kind = RefusalKind.INVALID


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishPlan:
    """Publish these charges as the plan's next version; `interval` is an ISO 8601 duration such as P1M.

    `registered_meters`: of the meters that charges and entitlements name those that are defined.
    """

    plan_id: str
    key: str
    name: str
    currency: str
    interval: str
    charges: tuple[Charge, ...]
    shares_usage: bool = False
    proration: Proration = "day"
    trial: str | None = None
    at_trial_end: AtTrialEnd = "bill"
    entitlements: tuple[Entitlement, ...] = ()
    now: datetime
    registered_meters: Mapping[str, MeterRegistered] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """All published versions of a plan, the oldest first; none if the key was never published."""

    versions: tuple[PlanPublished, ...] = ()

    def version(self, number: int | None) -> PlanPublished:
        """The version of this number, or the newest for None. Raises PlanIsUnknown."""
        if number is None:
            number = len(self.versions)
        if not 1 <= number <= len(self.versions):
            raise PlanIsUnknown(f"version {number} of {len(self.versions)}")
        return self.versions[number - 1]


def plan_id_of(tenant_id: str, key: str) -> str:
    """The id (and stream) of the tenant's plan of this key."""
    return derived_id("plan", tenant_id, key)


def publish(plan: Plan, command: PublishPlan) -> Sequence[PlanPublished]:
    """The next version; nothing if its content equals that of the newest version.

    Raises PlanIsEmpty, ChargeKeyRepeats, ChargeNeedsMeter, FlatChargeHasMeter, MeterIsUnknown,
    IntervalIsInvalid, CurrencyIsUnknown, EntitlementKeyRepeats, EntitlementDoesNotFit, the refusals of the
    price model, and those of charges.py.
    """
    published = _published(command, version=len(plan.versions) + 1)
    if plan.versions and _content(plan.versions[-1]) == _content(published):
        return []
    if plan.versions:
        check_kept_currencies(plan.versions[-1], published)
    _check_meters(command)
    return [published]


def evolve(plan: Plan, event: PlanPublished) -> Plan:
    """The state after an event. Raises ImpossibleHistory if a version was skipped."""
    if event.version != len(plan.versions) + 1:
        raise ImpossibleHistory(plan, event)
    return Plan((*plan.versions, event))


PLAN: Decider[Plan, PublishPlan, PlanPublished] = Decider(Plan(), publish, evolve)


def _published(command: PublishPlan, version: int) -> PlanPublished:
    interval = Interval.parse(command.interval)
    with in_field("trial"):
        if command.trial is not None:
            Interval.parse(command.trial)
    _check_charges(command.charges, interval, command.currency)
    _check_entitlements(command.entitlements)
    return PlanPublished(
        plan_id=command.plan_id,
        key=command.key,
        version=version,
        name=command.name,
        currency=checked_currency(command.currency),
        interval=command.interval,
        charges=command.charges,
        published_at=command.now,
        shares_usage=command.shares_usage,
        proration=command.proration,
        trial=command.trial,
        at_trial_end=command.at_trial_end,
        entitlements=command.entitlements,
    )


def _check_charges(charges: tuple[Charge, ...], interval: Interval, currency: str) -> None:
    if not charges:
        raise PlanIsEmpty
    keys = [charge.key for charge in charges]
    if repeated := sorted({key for key in keys if keys.count(key) > 1}):
        raise ChargeKeyRepeats(", ".join(repeated))
    for index, charge in enumerate(charges):
        with in_field("charges", index):
            _check_charge(charge)
            _check_due(charge, interval)
            check_prices(charge, currency)
    check_currencies(charges)


def _check_entitlements(entitlements: tuple[Entitlement, ...]) -> None:
    keys = [one.key for one in entitlements]
    for index, one in enumerate(entitlements):
        with in_field("entitlements", index):
            if one.key in keys[:index]:
                raise EntitlementKeyRepeats(one.key)
            if not one.is_whole:
                raise EntitlementDoesNotFit(one.key)


def _check_due(charge: Charge, interval: Interval) -> None:
    if charge.is_rated_by_period:
        return
    if charge.meter_key is not None:
        raise UsageChargeIsDueInArrears(charge.key)
    if charge.one_off and (charge.in_advance or charge.interval is not None):
        raise OneOffChargeHasNoPeriod(charge.key)
    if charge.interval is not None:
        with in_field("interval"):
            if Interval.parse(charge.interval).multiple_of(interval) is None:
                raise ChargeIntervalDoesNotFit(f"{charge.interval} of {interval}")


def _check_charge(charge: Charge) -> None:
    if charge.price.needs_meter and charge.meter_key is None and not charge.seats:
        raise ChargeNeedsMeter(charge.key)
    if not charge.price.needs_meter and charge.meter_key is not None:
        raise FlatChargeHasMeter(charge.key)


def _check_meters(command: PublishPlan) -> None:
    """Raise MeterIsUnknown (its usage would be billed as zero) and what check_meter raises."""
    for number, charge in enumerate(command.charges):
        with in_field("charges", number):
            if (meter := _registered(command, charge.meter_key)) is not None:
                check_meter(charge, meter)
    for number, entitlement in enumerate(command.entitlements):
        with in_field("entitlements", number):
            _registered(command, entitlement.meter_key)


def _registered(command: PublishPlan, meter_key: str | None) -> MeterRegistered | None:
    if meter_key is None:
        return None
    if meter_key not in command.registered_meters:
        with in_field("meter_key"):
            raise MeterIsUnknown(meter_key)
    return command.registered_meters[meter_key]


def _content(published: PlanPublished) -> tuple[object, ...]:
    terms = published.name, published.currency, published.interval, published.charges
    rules = published.shares_usage, published.proration, published.trial, published.at_trial_end
    return (*terms, *rules, published.entitlements)
