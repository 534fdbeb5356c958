"""The discounts of a period on its invoice lines (billing rule 6)."""

from collections.abc import Iterable, Sequence

import msgspec

from shared.billing.contracts.invoicing.invoices import InvoiceDiscount, InvoiceLine, LineDiscount
from shared.billing.discounts import AppliedDiscount, Discount, PercentageOff, apply_discounts


def discounted(
    lines: Sequence[InvoiceLine], discounts: Iterable[Discount]
) -> tuple[tuple[InvoiceLine, ...], tuple[InvoiceDiscount, ...]]:
    """The lines with the parts of the discounts that reduce them, and what each discount takes in all."""
    applied = apply_discounts(lines, discounts)
    if not applied:
        return tuple(lines), ()
    parts: dict[str, list[LineDiscount]] = {}
    for one in applied:
        for line_id, amount in one.parts.items():
            part = LineDiscount(discount_id=one.discount.discount_id, amount=amount)
            parts.setdefault(line_id, []).append(part)
    reduced = (msgspec.structs.replace(line, discounts=tuple(parts.get(line.line_id, ()))) for line in lines)
    return tuple(reduced), tuple(_on_invoice(one) for one in applied)


def _on_invoice(applied: AppliedDiscount) -> InvoiceDiscount:
    discount, reduction = applied.discount, applied.discount.reduction
    return InvoiceDiscount(
        discount_id=discount.discount_id,
        name=discount.name,
        amount=applied.amount,
        percent=reduction.percent if isinstance(reduction, PercentageOff) else None,
    )
