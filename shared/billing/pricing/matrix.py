"""The matrix price: another price for each combination of dimension values."""

from typing import Annotated, ClassVar, Literal

import msgspec

from shared.billing.pricing.model import RatingStep, Usage, UsageDetail
from shared.billing.pricing.total_price import TotalPrice
from shared.billing.pricing.wording import listed
from shared.framework.core.refusals import Refusal, RefusalKind, in_field
from shared.framework.core.text import flaw_of_identifier

DIMENSIONS_MAX = 8
CELLS_MAX = 200
"""Cells of one price; it is copied into the events of every period that it bills, so it must be short."""

DimensionText = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class MatrixIsInvalid(Refusal):
    """A matrix has 1 to 8 dimensions and 1 to 200 cells, each with a value of its own for each dimension."""

    code = "matrix-invalid"
    kind = RefusalKind.INVALID


class MatrixHasNoPrice(Refusal):
    """There is usage with dimension values for which the matrix has no cell, and no default."""

    code = "matrix-has-no-price"
    kind = RefusalKind.UNPROCESSABLE


class MatrixCell(msgspec.Struct, frozen=True, kw_only=True):
    """The price of usage with these values, one for each dimension of the matrix."""

    values: dict[DimensionText, DimensionText]
    price: TotalPrice


class Matrix(msgspec.Struct, frozen=True, kw_only=True, tag_field="model", tag="matrix"):
    """The price of the cell with the usage's values of `dimensions`; without a cell `default`.

    Without a default such usage is refused when it is rated: the billing run fails, and says for which
    values a price is missing. The meter must group by the dimensions; each combination is priced alone.
    """

    needs_meter: ClassVar[Literal[True]] = True
    usage_detail: ClassVar[UsageDetail] = UsageDetail.TOTAL
    dimensions: tuple[DimensionText, ...]
    cells: tuple[MatrixCell, ...]
    default: TotalPrice | None = None

    def check(self) -> None:
        """Refuse dimensions or cells that repeat or do not fit, and what the inner prices refuse."""
        with in_field("dimensions"):
            if not 1 <= len(set(self.dimensions)) == len(self.dimensions) <= DIMENSIONS_MAX:
                raise MatrixIsInvalid(f"dimensions: {', '.join(self.dimensions) or 'none'}")
        with in_field("cells"):
            if not 1 <= len(self.cells) <= CELLS_MAX:
                raise MatrixIsInvalid(f"{len(self.cells)} cells")
            seen: set[tuple[str, ...]] = set()
            for index, cell in enumerate(self.cells):
                with in_field(index):
                    self._check_cell(cell, seen)
        if self.default is not None:
            with in_field("default"):
                self.default.check()

    def _check_cell(self, cell: MatrixCell, seen: set[tuple[str, ...]]) -> None:
        with in_field("values"):
            if cell.values.keys() != set(self.dimensions):
                raise MatrixIsInvalid(f"values of {', '.join(cell.values)}, not {', '.join(self.dimensions)}")
            for name, value in cell.values.items():
                if flaw := flaw_of_identifier(value):
                    with in_field(name):
                        raise MatrixIsInvalid(flaw)
            values = tuple(cell.values[name] for name in self.dimensions)
            if values in seen:
                raise MatrixIsInvalid(f"two cells for {', '.join(values)}")
            seen.add(values)
        with in_field("price"):
            cell.price.check()

    def rate(self, usage: Usage) -> tuple[RatingStep, ...]:
        """The steps of the price for the usage's values. Raises MatrixHasNoPrice for usage that has none."""
        values = {name: usage.dimensions.get(name, "") for name in self.dimensions}
        price = next((cell.price for cell in self.cells if cell.values == values), self.default)
        if price is not None:
            return price.rate(usage)
        if usage.quantity > 0:
            raise MatrixHasNoPrice(", ".join(f"{name}={value}" for name, value in values.items()))
        return ()

    def phrase(self, currency: str) -> str:
        """`by region: 0.10 USD per unit for eu, 0.20 USD per unit for us, nothing else is sold`."""
        cells = [
            f"{cell.price.phrase(currency)} for {' and '.join(cell.values[name] for name in self.dimensions)}"
            for cell in self.cells
        ]
        rest = "no other" if self.default is None else f"else {self.default.phrase(currency)}"
        return f"by {' and '.join(self.dimensions)}: {listed([*cells, rest], '; ', 'prices')}"
