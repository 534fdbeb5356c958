"""Request and response bodies of invoices, and their routes."""

from datetime import datetime
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from services.invoicing.invoices.commands import DraftOneOff, FinalizeDraft, VoidInvoice
from services.invoicing.invoices.decider import INVOICE
from services.invoicing.invoices.handlers import check_is_invoice, draft_one_off, finalize, void
from services.invoicing.invoices.refusals import InvoiceIsUnknown
from services.invoicing.invoices.state import Draft, Finalized, Invoice, NoInvoice, Paid, Voided
from services.invoicing.invoices.totals import discounted_subtotal
from services.invoicing.rating.rating import OneOffLine
from shared.billing.contracts.invoicing.invoices import InvoiceFinalized
from shared.framework.http.authorization import requires
from shared.framework.http.command_endpoint import CommandDep, command_router
from shared.framework.http.field_types import (
    AmountBody,
    ApiModel,
    Identifier,
    NonNegativeDecimal,
    ShortText,
)
from shared.framework.http.reads import Cursor, PageSize, ReadDep

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

    def command(self, *, now: datetime, invoice_id: str) -> DraftOneOff:
        """The command of this request."""
        items = tuple(OneOffLine(**dict(line)) for line in self.lines)
        return DraftOneOff(invoice_id=invoice_id, customer_id=self.customer_id, items=items, now=now)


class VoidBody(ApiModel):
    """The reason for voiding an invoice."""

    reason: ShortText


class InvoiceBody(ApiModel):
    """An invoice: `number` is null unless it was finalized; the total of a draft excludes tax."""

    invoice_id: str
    status: Literal["draft", "finalized", "paid", "void"]
    number: str | None = None
    total: AmountBody | None = None
    amount_due: AmountBody | None = None


class InvoiceList(ApiModel):
    """A page of invoices, the first drafted first; `next_cursor` is null on the last page."""

    items: list[InvoiceBody]
    next_cursor: str | None


def invoice_body(invoice_id: str, invoice: Invoice) -> InvoiceBody:
    """The response body of an invoice. Raises InvoiceIsUnknown if there is none."""
    match invoice:
        case Draft():
            before_tax = AmountBody.of(discounted_subtotal(invoice))
            return InvoiceBody(invoice_id=invoice_id, status="draft", total=before_tax)
        case Finalized(document=document):
            return _document_body(invoice_id, "finalized", document)
        case Paid(document=document):
            return _document_body(invoice_id, "paid", document)
        case Voided(document=document):
            return _document_body(invoice_id, "void", document)
        case NoInvoice():
            raise InvoiceIsUnknown(invoice_id)


def _document_body(
    invoice_id: str, status: Literal["finalized", "paid", "void"], document: InvoiceFinalized | None
) -> InvoiceBody:
    if document is None:
        return InvoiceBody(invoice_id=invoice_id, status=status)
    total, amount_due = AmountBody.of(document.total), AmountBody.of(document.amount_due)
    return InvoiceBody(
        invoice_id=invoice_id, status=status, number=document.number, total=total, amount_due=amount_due
    )


def _customer_of(invoice: Invoice) -> str | None:
    """The invoice's customer; None for a draft that was voided, which no customer was shown."""
    match invoice:
        case Draft(customer_id=customer_id):
            return customer_id
        case Finalized(document=document) | Paid(document=document) | Voided(document=document) if document:
            return document.customer_id
    return None


def invoice_reads() -> APIRouter:
    """The routes that read invoices."""
    router = APIRouter(prefix="/v1", tags=["invoicing"])

    @router.get("/invoices", dependencies=[requires("invoices:read")])
    async def list_invoices(ctx: ReadDep, size: PageSize = 100, cursor: Cursor = None) -> InvoiceList:
        """The tenant's invoices, drafts too, in the order of their drafting."""
        rows, next_cursor = await ctx.page(INVOICE, "inv", cursor, size)
        return InvoiceList(items=[invoice_body(*row) for row in rows], next_cursor=next_cursor)

    @router.get("/invoices/{invoice_id}", dependencies=[requires("invoices:read", customers=True)])
    async def get_invoice(invoice_id: Identifier, ctx: ReadDep) -> InvoiceBody:
        """An invoice by its id; a customer's own credential reads its own invoices alone."""
        check_is_invoice(invoice_id)
        invoice = await ctx.state(INVOICE, invoice_id)
        if not ctx.may_see(_customer_of(invoice)):
            raise InvoiceIsUnknown(invoice_id)
        return invoice_body(invoice_id, invoice)

    return router


def invoices_router() -> APIRouter:
    """The routes of commands on invoices."""
    router = command_router("invoices:write", tags=["invoicing"])

    @router.post("/invoices", status_code=201, response_model=InvoiceBody)
    async def draft_invoice(body: OneOffInvoiceBody, ctx: CommandDep) -> Response:
        """Draft a one-off invoice; it has no number and is not collected until it is finalized."""
        command = body.command(now=ctx.now, invoice_id=ctx.service.ids.new("inv"))
        return await ctx.execute(draft_one_off, command, partial(invoice_body, command.invoice_id))

    @router.post("/invoices/{invoice_id}/finalize", response_model=InvoiceBody)
    async def finalize_invoice(invoice_id: Identifier, ctx: CommandDep) -> Response:
        """Finalize a draft: computes tax, assigns the number and starts collection."""
        command = FinalizeDraft(invoice_id=invoice_id, now=ctx.now)
        return await ctx.execute(finalize, command, partial(invoice_body, invoice_id))

    @router.post("/invoices/{invoice_id}/void", response_model=InvoiceBody)
    async def void_invoice(invoice_id: Identifier, body: VoidBody, ctx: CommandDep) -> Response:
        """Void an invoice: collection stops, and a payment on it is refunded."""
        command = VoidInvoice(invoice_id=invoice_id, reason=body.reason, now=ctx.now)
        return await ctx.execute(void, command, partial(invoice_body, invoice_id))

    return router
