"""What the demo prints for people."""

from decimal import Decimal
from typing import Any

from rich.console import Console, Group
from rich.json import JSON
from rich.table import Table

from tollhouse.demo.flights import airlines
from tollhouse.demo.run import DemoResult


def show(console: Console, outcome: DemoResult) -> None:
    """Per airline what was billed, paid and owed; one invoice; one query; the counts and the rates."""
    console.print(Group(_balances(outcome), "", *_invoice(outcome.invoice), ""))
    console.print("[bold]One GraphQL query and its answer[/bold]")
    console.print(outcome.invoice_query, highlight=False, markup=False, soft_wrap=True)
    console.print(JSON.from_data(outcome.invoice, default=str))
    console.print(_counts(outcome), soft_wrap=True)


def _balances(outcome: DemoResult) -> Table:
    names = airlines()
    table = Table("", "airline", title="Billed, paid and owed, in US dollars", box=None, title_justify="left")
    for column in ("billed", "paid", "owed"):
        table.add_column(column, justify="right")
    for row in outcome.balances:
        money = [_dollars(row["balance"][part]["minor"]) for part in ("billed", "paid", "owed")]
        table.add_row(row["externalId"], names.get(row["externalId"], ""), *money)
    sums = [
        sum(row["balance"][part]["minor"] for row in outcome.balances) for part in ("billed", "paid", "owed")
    ]
    table.add_section()
    table.add_row("", "all", *map(_dollars, sums), style="bold")
    return table


def _invoice(invoice: dict[str, Any]) -> list[Any]:
    table = Table(
        "line", title=f"Invoice {invoice['number']} ({invoice['status']})", box=None, title_justify="left"
    )
    for column in ("quantity", "amount"):
        table.add_column(column, justify="right")
    for line in invoice["lines"]:
        table.add_row(line["description"], str(line["quantity"]), _dollars(line["amount"]["minor"]))
        for step in line["steps"] if len(line["steps"]) > 1 else ():
            what = f"  {step['description']} at {step['unitPrice']}"
            table.add_row(
                f"[dim]{what}[/dim]", f"[dim]{step['quantity']}[/dim]", f"[dim]{step['amount']}[/dim]"
            )
    for part in ("subtotal", "tax", "total"):
        table.add_row(f"[bold]{part}[/bold]", "", _dollars(invoice[part]["minor"]))
    return [table]


def _counts(outcome: DemoResult) -> str:
    sent = outcome.delivered
    rate = sent.accepted / outcome.usage_seconds if outcome.usage_seconds else 0
    stored = ", ".join(f"{context} {count:,}" for context, count in outcome.events.items() if count)
    return (
        f"\n[bold]usage[/bold]  {sent.accepted:,} accepted, {sent.duplicates:,} duplicates,"
        f" {sent.refused:,} refused in {outcome.usage_seconds:.1f} s"
        f" ({rate:,.0f} events/s, with time moving and bills being made)"
        f"\n[bold]events stored[/bold]  {stored}"
        f"\n[bold]in all[/bold]  {outcome.total_seconds:.1f} s"
    )


def _dollars(minor: int) -> str:
    return f"{Decimal(minor).scaleb(-2):,}"
