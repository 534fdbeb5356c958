"""What invoicing reads and answers over REST."""

from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from services.invoicing.invoices import handlers as invoicing
from services.invoicing.invoices.refusals import InvoiceIsUnknown
from services.invoicing.invoices.state import Draft, Finalized, Invoice, Paid, Voided
from services.invoicing.rating.rating import OneOffLine
from shared.billing.money import total
from shared.framework.http.authorization import requires
from shared.framework.http.command_endpoint import CommandDep
from shared.framework.http.field_types import (
    ApiModel,
    CurrencyCode,
    Identifier,
    MinorUnits,
    NonNegativeDecimal,
    ShortText,
)
from shared.framework.http.request_body import DecodedBodyRoute

LINES_MAX = 250


class OneOffLineBody(ApiModel):
    """A line: `quantity` times `unit_price` in major units of the customer's currency."""

    description: ShortText
    quantity: NonNegativeDecimal
    unit_price: NonNegativeDecimal


class OneOffInvoiceBody(ApiModel):
    """A one-off invoice, outside any billing period."""

    customer_id: Identifier
    lines: Annotated[list[OneOffLineBody], Field(min_length=1, max_length=LINES_MAX)]


class VoidBody(ApiModel):
    """The reason for voiding an invoice."""

    reason: ShortText


class AmountBody(ApiModel):
    """Money in minor units."""

    minor: MinorUnits
    currency: CurrencyCode


class InvoiceBody(ApiModel):
    """An invoice: `number` is null unless it was finalized; the total of a draft excludes tax."""

    invoice_id: str
    status: Literal["draft", "finalized", "paid", "void"]
    number: str | None = None
    total: AmountBody | None = None
    amount_due: AmountBody | None = None


def invoice_body(invoice_id: str, invoice: Invoice) -> InvoiceBody:
    """An invoice as an answer; there is one, for a command has just been done on it."""
    match invoice:
        case Draft():
            subtotal = total((line.amount for line in invoice.lines), invoice.currency)
            whole = AmountBody(minor=subtotal.minor, currency=subtotal.currency)
            return InvoiceBody(invoice_id=invoice_id, status="draft", total=whole)
        case Finalized():
            return _document(invoice_id, "finalized", invoice)
        case Paid():
            return _document(invoice_id, "paid", invoice.document)
        case Voided(document=None):
            return InvoiceBody(invoice_id=invoice_id, status="void")
        case Voided(document=Finalized() as document):
            return _document(invoice_id, "void", document)
        case _:
            raise InvoiceIsUnknown(invoice_id)


def _document(
    invoice_id: str, status: Literal["finalized", "paid", "void"], document: Finalized
) -> InvoiceBody:
    return InvoiceBody(
        invoice_id=invoice_id,
        status=status,
        number=document.number,
        total=AmountBody(minor=document.total.minor, currency=document.total.currency),
        amount_due=AmountBody(minor=document.amount_due.minor, currency=document.amount_due.currency),
    )


router = APIRouter(prefix="/v1", tags=["invoicing"], route_class=DecodedBodyRoute)


@router.post(
    "/invoices", dependencies=[requires("invoices:write")], status_code=201, response_model=InvoiceBody
)
async def draft_invoice(body: OneOffInvoiceBody, desk: CommandDep) -> Response:
    """Draft a one-off invoice; it has no number and is not collected until it is finalized."""
    invoice_id = desk.house.ids.new("inv")
    items = [
        OneOffLine(description=line.description, quantity=line.quantity, unit_price=line.unit_price)
        for line in body.lines
    ]
    return await desk.execute(
        lambda session: invoicing.draft_one_off(session, invoice_id, body.customer_id, items),
        lambda invoice: invoice_body(invoice_id, invoice),
    )


@router.post(
    "/invoices/{invoice_id}/finalize",
    dependencies=[requires("invoices:write")],
    response_model=InvoiceBody,
)
async def finalize_invoice(invoice_id: Identifier, desk: CommandDep) -> Response:
    """Finalize a draft: computes tax, assigns the number and starts collection."""
    return await desk.execute(
        lambda session: invoicing.finalize(session, invoice_id),
        lambda invoice: invoice_body(invoice_id, invoice),
        status=200,
    )


@router.post(
    "/invoices/{invoice_id}/void",
    dependencies=[requires("invoices:write")],
    response_model=InvoiceBody,
)
async def void_invoice(invoice_id: Identifier, body: VoidBody, desk: CommandDep) -> Response:
    """Void an invoice: collection stops, and a payment on it is refunded."""
    return await desk.execute(
        lambda session: invoicing.void(session, invoice_id, body.reason),
        lambda invoice: invoice_body(invoice_id, invoice),
        status=200,
    )
