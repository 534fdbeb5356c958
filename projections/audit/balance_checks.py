"""Check of balances: each is the sum of the customer's invoices, payments and refunds, as they are served."""

from collections import Counter, defaultdict

from projections.audit.report import Difference
from projections.engine.read_model import AnyModel, Key
from projections.engine.row_store import RowStore, every_row
from projections.read_models.balances.projection import BALANCES, balance_id
from projections.read_models.invoices.projection import INVOICES
from projections.read_models.payments.projection import PAYMENTS
from projections.read_models.refunds.projection import REFUNDS

# Of each served row with one of these statuses, this amount is in this column of the balance.
_SUMMED = (
    (INVOICES, {"finalized", "paid"}, "amount_due", "billed"),
    (PAYMENTS, {"succeeded"}, "amount", "paid"),
    (REFUNDS, {"issued"}, "amount", "refunded"),
)


async def check_balances(rows: RowStore) -> list[Difference]:
    """Compare each balance with the sums, and each sum that is not 0 with its balance."""
    sums = await _sums(rows)
    found = []
    async for stored in every_row(rows, BALANCES):
        balance = {column: getattr(stored.row, column) for *_, column in _SUMMED}
        if balance != (expected := _by_column(sums.pop(stored.key, Counter()))):
            found.append(Difference("balance sums", *stored.key, f"served {balance}; sums {expected}"))
    return found + [
        Difference("balance sums", *key, f"no balance; sums {_by_column(left)}")
        for key, left in sorted(sums.items())
        if any(left.values())
    ]


async def _sums(rows: RowStore) -> dict[Key, Counter[str]]:
    """The sums of every customer and currency, by tenant and balance id."""
    sums: dict[Key, Counter[str]] = defaultdict(Counter)
    models: tuple[tuple[AnyModel, set[str], str, str], ...] = _SUMMED
    for model, statuses, field, column in models:
        async for stored in every_row(rows, model):
            if stored.row.status in statuses:
                amount = getattr(stored.row, field)
                key = (stored.tenant_id, balance_id(stored.row.customer_id, amount.currency))
                sums[key][column] += amount.minor
    return sums


def _by_column(sums: Counter[str]) -> dict[str, int]:
    return {column: sums[column] for *_, column in _SUMMED}
