"""Request and response bodies of billing runs, and their route."""

from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema

from services.invoicing.billing_runs.decider import AwaitingReading, RetryBillingRun
from services.invoicing.billing_runs.handlers import retry_run
from shared.billing.pricing.price_json import PRICE_SCHEMA, read_price
from shared.framework.core.decimals import to_json
from shared.framework.http.command_endpoint import CommandDep, command_router
from shared.framework.http.field_types import ApiModel, Identifier

PriceBody = Annotated[Any, PlainValidator(read_price), PlainSerializer(to_json), WithJsonSchema(PRICE_SCHEMA)]


class RetryBody(ApiModel):
    """Other prices for this period, by the keys of its charges; without them those of the plan are used."""

    prices: dict[Identifier, PriceBody] = Field(
        default_factory=dict, max_length=100, json_schema_extra={"additionalProperties": False}
    )


class BillingRunBody(ApiModel):
    """A billing run that waits for a new reading of its period; `attempt` counts the readings."""

    run_id: str
    invoice_id: str
    attempt: int


def billing_runs_router() -> APIRouter:
    """The routes of billing runs."""
    router = command_router("invoices:write", tags=["invoicing"])

    @router.post("/billing-runs/{run_id}/retry", status_code=202, response_model=BillingRunBody)
    async def retry_billing_run(run_id: Identifier, body: RetryBody, ctx: CommandDep) -> Response:
        """Bill the period of a failed billing run again, with a new reading of its usage."""
        command = RetryBillingRun(run_id=run_id, prices=body.prices, now=ctx.now)
        return await ctx.execute(retry_run, command, _body)

    return router


def _body(run: AwaitingReading) -> BillingRunBody:
    started = run.started
    return BillingRunBody(run_id=started.run_id, invoice_id=started.invoice_id, attempt=run.attempt)
