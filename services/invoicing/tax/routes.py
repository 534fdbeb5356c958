"""The bodies of tax rates, and their routes."""

from fastapi import APIRouter, Response

from services.invoicing.tax.decider import TAX_RATES, SetTaxRate, TaxRateIsUnknown, tax_rates_id
from shared.framework.http.authorization import requires
from shared.framework.http.command_endpoint import CommandDepKeyOptional, command_router
from shared.framework.http.field_types import ApiModel, Instant, NonNegativeDecimal, ShortText
from shared.framework.http.reads import ReadDep


class TaxRateBody(ApiModel):
    """The tax on invoices finalized from now on; `rate` is a fraction (0.0825), `source` the authority."""

    name: ShortText
    rate: NonNegativeDecimal
    source: ShortText


class TaxRateDetail(TaxRateBody):
    """A tax rate, and from when on it was in force."""

    set_at: Instant


class TaxRateList(ApiModel):
    """All tax rates that were set, the first one first: the last is in force."""

    items: list[TaxRateDetail]


def tax_reads() -> APIRouter:
    """The routes that read tax rates."""
    router = APIRouter(prefix="/v1", tags=["invoicing"], dependencies=[requires("tax:read")])

    @router.get("/tax-rate")
    async def get_tax_rate(ctx: ReadDep) -> TaxRateDetail:
        """The tax rate of invoices finalized from now on."""
        rates = await ctx.state(TAX_RATES, tax_rates_id(ctx.tenant_id))
        if not rates:
            raise TaxRateIsUnknown
        return TaxRateDetail.of(rates[-1])

    @router.get("/tax-rates")
    async def list_tax_rates(ctx: ReadDep) -> TaxRateList:
        """Every tax rate that was set, in that order."""
        rates = await ctx.state(TAX_RATES, tax_rates_id(ctx.tenant_id))
        return TaxRateList(items=[TaxRateDetail.of(rate) for rate in rates])

    return router


def tax_router() -> APIRouter:
    """The route of the command on tax rates."""
    router = command_router("tax:write", tags=["invoicing"])

    @router.put("/tax-rate", response_model=TaxRateBody)
    async def set_tax_rate(body: TaxRateBody, ctx: CommandDepKeyOptional) -> Response:
        """Set the tax rate of invoices finalized from now on; a rate of 0 ends the tax."""
        command = SetTaxRate(**dict(body), now=ctx.now)
        return await ctx.handle(TAX_RATES, tax_rates_id(ctx.tenant_id), command, lambda _: body)

    return router
