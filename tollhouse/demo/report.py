"""The tables that the demo prints."""

from typing import Any

from rich.console import Console
from rich.table import Table

from tollhouse.demo.flights import airlines
from tollhouse.demo.run import DemoResult
from tollhouse.invoice_table import grouped, invoice_table

PARTS = ("billed", "paid", "owed")


def show(console: Console, result: DemoResult) -> None:
    """Print what each airline was billed, has paid and owes, one invoice, and what was processed."""
    for table in (_balances(result.balances), invoice_table(result.invoice), _processed(result)):
        console.print(table, "", sep="\n")


def _balances(balances: list[dict[str, Any]]) -> Table:
    title = "Billed, paid and owed, in US dollars"
    table = Table(
        "", "airline", title=title, box=None, title_justify="left", pad_edge=False, show_footer=True
    )
    table.columns[1].footer = "all"
    for part in PARTS:
        total = sum(int(row["balance"][part]["minor"]) for row in balances)
        table.add_column(part, _dollars(total), justify="right", footer_style="bold")
    names = airlines()
    for row in balances:
        amounts = (_dollars(int(row["balance"][part]["minor"])) for part in PARTS)
        table.add_row(row["externalId"], names.get(row["externalId"], ""), *amounts)
    return table


def _processed(result: DemoResult) -> Table:
    sent, seconds = result.delivered, result.usage_seconds
    table = Table("", title="Processed", box=None, title_justify="left", pad_edge=False)
    table.add_column("count", justify="right")
    for name in ("accepted", "duplicates", "refused"):
        table.add_row(f"usage events {name}", f"{getattr(sent, name):,}")
    table.add_row(
        "usage events per second, with time moving and invoices made", f"{sent.accepted / seconds:,.0f}"
    )
    for context, count in result.events.items():
        table.add_row(f"events stored by {context}", f"{count:,}")
    table.add_row("seconds in all", f"{result.total_seconds:.1f}")
    return table


def _dollars(minor: int) -> str:
    return grouped(f"{minor // 100}.{minor % 100:02}")
