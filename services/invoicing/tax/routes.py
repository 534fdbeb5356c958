"""The request body of the tax rate, and its route."""

from fastapi import APIRouter, Response

from services.invoicing.tax.decider import TAX_RATES, SetTaxRate, tax_rates_id
from shared.framework.http.command_endpoint import CommandDepKeyOptional, command_router
from shared.framework.http.field_types import ApiModel, NonNegativeDecimal, ShortText


class TaxRateBody(ApiModel):
    """The tax on invoices finalized from now on; `rate` is a fraction (0.0825), `source` the authority."""

    name: ShortText
    rate: NonNegativeDecimal
    source: ShortText


def tax_router() -> APIRouter:
    """The routes of tax rates."""
    router = command_router("tax:write", tags=["invoicing"])

    @router.put("/tax-rate", response_model=TaxRateBody)
    async def set_tax_rate(body: TaxRateBody, ctx: CommandDepKeyOptional) -> Response:
        """Set the tax rate of invoices finalized from now on; a rate of 0 ends the tax."""
        command = SetTaxRate(**dict(body), now=ctx.now)
        return await ctx.handle(TAX_RATES, tax_rates_id(ctx.tenant_id), command, lambda _: body)

    return router
