"""Plans with all their versions; the prices of a published version never change."""

from datetime import datetime

import msgspec

from projections.engine.read_model import DecodedEvent, ReadModel, StreamSource, row_from, single_row
from shared.billing.contracts.subscriptions.plans import AtTrialEnd, Charge, PlanPublished
from shared.billing.entitlements import Entitlement
from shared.billing.proration import Proration


class PlanVersion(msgspec.Struct, frozen=True, kw_only=True):
    """The prices of a plan from `published_at` until the next version, for subscriptions that start then."""

    version: int
    name: str
    currency: str
    interval: str
    charges: tuple[Charge, ...]
    published_at: datetime
    proration: Proration = "day"
    trial: str | None = None
    at_trial_end: AtTrialEnd = "bill"
    entitlements: tuple[Entitlement, ...] = ()


class PlanRow(msgspec.Struct, frozen=True, kw_only=True):
    """A plan by its key; the newest version is the last."""

    plan_id: str
    key: str
    versions: tuple[PlanVersion, ...]


def fold(row: PlanRow | None, event: PlanPublished, _: DecodedEvent) -> PlanRow:
    """The plan with one more version."""
    versions = (*(row.versions if row else ()), row_from(PlanVersion, event))
    return PlanRow(plan_id=event.plan_id, key=event.key, versions=versions)


PLANS = ReadModel(
    name="plans",
    version=3,
    row=PlanRow,
    events=(PlanPublished,),
    targets=single_row("plan_id"),
    fold=fold,
    sorted_by=lambda row: row.versions[0].published_at,
    filters=("key",),
    source=StreamSource,
)
