"""Events of tax rates."""

from datetime import datetime
from decimal import Decimal

from shared.framework.core.event import Event


class TaxRateSet(Event, frozen=True, kw_only=True):
    """Invoices of the tenant have this tax from now on; `rate` is a fraction (0.0825), 0 for no tax."""

    wire_name = "invoicing.tax-rate.set.v1"

    name: str
    rate: Decimal
    source: str
    set_at: datetime
