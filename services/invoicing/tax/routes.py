"""What invoicing reads and answers over REST."""

from fastapi import APIRouter, Response

from services.invoicing.tax import handlers
from services.invoicing.tax.decider import SetTaxRate
from shared.framework.http.authorization import requires
from shared.framework.http.command_endpoint import CommandDepKeyOptional
from shared.framework.http.field_types import ApiModel, NonNegativeDecimal, ShortText
from shared.framework.http.request_body import DecodedBodyRoute


class TaxRateBody(ApiModel):
    """The tax on invoices finalized from now on; `rate` is a fraction (0.0825), `source` the authority."""

    name: ShortText
    rate: NonNegativeDecimal
    source: ShortText


router = APIRouter(prefix="/v1", tags=["invoicing"], route_class=DecodedBodyRoute)


@router.put("/tax-rate", dependencies=[requires("tax:write")], response_model=TaxRateBody)
async def set_tax_rate(body: TaxRateBody, desk: CommandDepKeyOptional) -> Response:
    """Set the tax rate of invoices finalized from now on; a rate of 0 ends the tax."""
    command = SetTaxRate(name=body.name, rate=body.rate, source=body.source, now=desk.now)
    return await desk.execute(
        lambda session: handlers.set_tax_rate(session, command), lambda _: body, status=200
    )
