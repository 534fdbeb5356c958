"""Billing items: charges without usage, and what is given back of them, each for a stretch of time."""

from decimal import Decimal

import msgspec

from shared.billing.contracts.subscriptions.plans import Charge
from shared.billing.period import Period


class BillingItem(msgspec.Struct, frozen=True, kw_only=True):
    """What one line of an invoice is rated from: `quantity` of a charge for `period`.

    `full_period` is the real length of the charge's period, the denominator of any proration (billing
    rule 9); both are None for a one-off charge. `credit_of`: the id of the item, billed before, of which
    this item gives the time of `period` back.
    """

    item_id: str
    charge: Charge
    quantity: Decimal
    period: Period | None = None
    full_period: Period | None = None
    credit_of: str | None = None
