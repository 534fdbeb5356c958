"""A balance is the sum of the customer's invoices, payments and refunds, as they are served."""

from collections import defaultdict

from projections.audit.report import Difference
from projections.engine.read_model import Key
from projections.engine.row_store import RowStore, every_row
from projections.read_models.balances.projection import BALANCES, balance_id
from projections.read_models.invoices.projection import INVOICES
from projections.read_models.payments.projection import PAYMENTS
from projections.read_models.refunds.projection import REFUNDS

Sums = tuple[int, int, int]


async def check_balances(rows: RowStore) -> list[Difference]:
    """Compare each balance with sums over the served rows of the other models, in both directions."""
    reckoned = await _expected_sums(rows)
    found = []
    async for stored in every_row(rows, BALANCES):
        row = stored.row
        told, sums = (row.billed, row.paid, row.refunded), reckoned.pop(stored.key, (0, 0, 0))
        if told != sums:
            detail = f"billed, paid, refunded {told}; its invoices and payments say {sums}"
            found.append(Difference("balance sums", *stored.key, detail))
    left = [(key, sums) for key, sums in sorted(reckoned.items()) if sums != (0, 0, 0)]
    return found + [Difference("balance sums", *key, f"no balance, but sums {sums}") for key, sums in left]


async def _expected_sums(rows: RowStore) -> dict[Key, Sums]:
    billed: dict[Key, int] = defaultdict(int)
    paid: dict[Key, int] = defaultdict(int)
    refunded: dict[Key, int] = defaultdict(int)
    async for invoice in every_row(rows, INVOICES):
        if invoice.row.status in {"finalized", "paid"}:
            due = invoice.row.amount_due
            billed[invoice.tenant_id, balance_id(invoice.row.customer_id, due.currency)] += due.minor
    async for payment in every_row(rows, PAYMENTS):
        if payment.row.status == "succeeded":
            amount = payment.row.amount
            paid[payment.tenant_id, balance_id(payment.row.customer_id, amount.currency)] += amount.minor
    async for refund in every_row(rows, REFUNDS):
        if refund.row.status == "issued":
            amount = refund.row.amount
            refunded[refund.tenant_id, balance_id(refund.row.customer_id, amount.currency)] += amount.minor
    keys = billed.keys() | paid.keys() | refunded.keys()
    return {key: (billed[key], paid[key], refunded[key]) for key in keys}
