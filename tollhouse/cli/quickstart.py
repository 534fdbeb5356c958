"""`tollhouse quickstart`: the first invoice of a new installation."""

from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from tollhouse.cli.output import AsJson, console, errors, print_json, run
from tollhouse.invoice_table import invoice_table
from tollhouse.quickstart import first_invoice
from tollhouse.supervisor import Stack

Folder = Annotated[
    Path | None, typer.Option("--folder", help="Keep the data here, not in a temporary folder.")
]


def quickstart(folder: Folder = None, as_json: AsJson = False) -> None:
    """Start everything, bill one customer for a month that passes in seconds, show the invoice, stop."""
    with nullcontext(folder) if folder else TemporaryDirectory(prefix="tollhouse-") as place:
        invoice = run(_first_invoice(Path(place), as_json))
    if as_json:
        print_json(invoice)
    else:
        console.print("", invoice_table(invoice), "", sep="\n")
        console.print("The same by hand, with curl: docs/guides/first-invoice.md", highlight=False)


async def _first_invoice(folder: Path, as_json: bool) -> dict[str, Any]:
    output = errors if as_json else console
    output.print("Starting PostgreSQL, Valkey, a Kafka-protocol broker and six services ...")
    async with Stack.start(folder) as stack:
        return await first_invoice(stack, lambda line: output.print(line, highlight=False, soft_wrap=True))
