"""The claims on one subject's usage: at any instant a meter's usage is billed by one subscription."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.billing.contracts.subscriptions.usage_claims import UsageClaimed, UsageReleased
from shared.framework.core.decider import Decider
from shared.framework.core.ids import derived_id
from shared.framework.core.refusals import ImpossibleHistory, Refusal, RefusalKind


class UsageIsBilledAlready(Refusal):
    """Another subscription bills this usage already."""

    code = "usage-is-billed-already"
    kind = RefusalKind.CONFLICT


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimUsage:
    """Let a subscription alone bill what these meters count of the subject, from `starts_at` on.

    `started_before`: the subscription was started before claims were kept, so its claim is not refused.
    """

    subject: str
    meter_keys: frozenset[str]
    subscription_id: str
    customer_id: str
    starts_at: datetime
    now: datetime
    started_before: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseUsage:
    """End the claim of a subscription that ends at `ends_at`."""

    subject: str
    subscription_id: str
    ends_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class UsageClaim:
    """The half-open time [starts_at, ends_at) in which a subscription bills the usage of its meters."""

    subscription_id: str
    meter_keys: frozenset[str]
    starts_at: datetime
    ends_at: datetime | None = None

    def holds_after(self, instant: datetime) -> bool:
        """Whether any time of the claim is at or after an instant."""
        return self.ends_at is None or max(self.starts_at, instant) < self.ends_at


UsageClaims = dict[str, tuple[UsageClaim, ...]]
"""All claims on the subject's usage by subscription, also those that have ended."""

ClaimCommand = ClaimUsage | ReleaseUsage
ClaimEvent = UsageClaimed | UsageReleased


def usage_claims_id(tenant_id: str, subject: str) -> str:
    """The stream of the claims on a subject's usage."""
    return derived_id("ucl", tenant_id, subject)


def decide(claims: UsageClaims, command: ClaimCommand) -> Sequence[ClaimEvent]:
    """The events of a command; see the function of each."""
    match command:
        case ClaimUsage():
            return claim(claims, command)
        case ReleaseUsage():
            return release(claims, command)


def claim(claims: UsageClaims, command: ClaimUsage) -> Sequence[UsageClaimed]:
    """The claim of the meters that the subscription has not claimed without an end; nothing for none.

    Raises UsageIsBilledAlready.
    """
    own = claims.get(command.subscription_id, ())
    if command.started_before and own:
        return []
    held = frozenset(key for one in own if one.ends_at is None for key in one.meter_keys)
    if not (meter_keys := command.meter_keys - held):
        return []
    if not command.started_before:
        _check_free(claims, command, meter_keys)
    return [
        UsageClaimed(
            subject=command.subject,
            meter_keys=tuple(sorted(meter_keys)),
            subscription_id=command.subscription_id,
            customer_id=command.customer_id,
            starts_at=command.starts_at,
            claimed_at=command.now,
        )
    ]


def release(claims: UsageClaims, command: ReleaseUsage) -> Sequence[UsageReleased]:
    """The end of the subscription's claims; nothing if all end as soon."""
    own = claims.get(command.subscription_id, ())
    if all(held.ends_at is not None and held.ends_at <= command.ends_at for held in own):
        return []
    return [
        UsageReleased(
            subject=command.subject,
            subscription_id=command.subscription_id,
            ends_at=command.ends_at,
            released_at=command.now,
        )
    ]


def evolve(claims: UsageClaims, event: ClaimEvent) -> UsageClaims:
    """The state after an event. Raises ImpossibleHistory for the end of a claim that is not there."""
    match event:
        case UsageClaimed():
            claimed = UsageClaim(event.subscription_id, frozenset(event.meter_keys), event.starts_at)
            return claims | {event.subscription_id: (*claims.get(event.subscription_id, ()), claimed)}
        case UsageReleased() if event.subscription_id in claims:
            ended = tuple(_ended(one, event.ends_at) for one in claims[event.subscription_id])
            return claims | {event.subscription_id: ended}
    raise ImpossibleHistory(claims, event)


def _ended(claim: UsageClaim, ends_at: datetime) -> UsageClaim:
    return replace(claim, ends_at=ends_at if claim.ends_at is None else min(claim.ends_at, ends_at))


USAGE_CLAIMS: Decider[UsageClaims, ClaimCommand, ClaimEvent] = Decider({}, decide, evolve)


def _check_free(claims: UsageClaims, command: ClaimUsage, meter_keys: frozenset[str]) -> None:
    """Raise UsageIsBilledAlready: a new claim has no end, so any later time of another one overlaps it."""
    others = (one for key, own in claims.items() if key != command.subscription_id for one in own)
    for held in others:
        both = held.meter_keys & meter_keys
        if both and held.holds_after(command.starts_at):
            until = "" if held.ends_at is None else f" until {held.ends_at.isoformat()}"
            meters = ", ".join(sorted(both))
            raise UsageIsBilledAlready(
                f"{meters} of {command.subject} is billed by {held.subscription_id}{until}"
            )
