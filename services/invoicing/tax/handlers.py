"""One function per command: each does its work in the session that it is given."""

from services.invoicing.tax.decider import TAX_RATES, SetTaxRate, tax_rates_id
from shared.framework.eventstore.unit_of_work import Session


async def set_tax_rate(session: Session, command: SetTaxRate) -> None:
    """Tax the tenant's invoices from now on."""
    await session.handle(TAX_RATES, tax_rates_id(session.tenant_id), command)
