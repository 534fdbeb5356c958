"""What invoicing tells: runs, drafts, documents with a number, and what became of them."""

from datetime import datetime
from decimal import Decimal

from shared.framework.core.event import Event


class TaxRateSet(Event, frozen=True, kw_only=True):
    """The tenant's invoices carry this tax from now on; `rate` is a fraction (0.0825), zero for none."""

    wire_name = "invoicing.tax-rate.set.v1"

    name: str
    rate: Decimal
    source: str
    set_at: datetime
