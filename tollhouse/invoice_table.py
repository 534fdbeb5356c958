"""One invoice of a customer: its GraphQL query, and the table that people see."""

from decimal import Decimal
from typing import Any

from rich.table import Table

from tollhouse.client import Client

FIRST_INVOICE = """
query Invoice($customer: String!) { invoices(first: 1, customerId: $customer) { edges { node {
  number status period { start end } subtotal { minor amount } tax { minor amount }
  total { minor amount currency } discounts { name amount { amount } }
  lines { description quantity amount { minor amount } steps { description quantity unitPrice amount } }
  payments { status attempt declineCode } } } } }
"""


async def read_first_invoice(client: Client, customer_id: str) -> dict[str, Any]:
    """The first invoice that the read side lists for a customer."""
    answer = await client.graphql(FIRST_INVOICE, customer=customer_id)
    invoice: dict[str, Any] = answer["invoices"]["edges"][0]["node"]
    return invoice


def invoice_table(invoice: dict[str, Any]) -> Table:
    """Its lines with the steps of their prices, its sums, and the attempts to collect it."""
    start, end = (invoice["period"][bound][:10] for bound in ("start", "end"))
    title = f"Invoice {invoice['number']} ({invoice['status']}), {start} to {end}"
    table = Table("", title=title, box=None, title_justify="left", pad_edge=False)
    for column in ("quantity", "unit price", f"amount in {invoice['total']['currency']}"):
        table.add_column(column, justify="right")
    for line in invoice["lines"]:
        first, *more = line["steps"]
        amount = grouped(line["amount"]["amount"])
        unit_price = "" if more else grouped(first["unitPrice"])
        table.add_row(line["description"], grouped(line["quantity"]), unit_price, amount)
        for step in line["steps"] if more else ():
            numbers = (grouped(step[part]) for part in ("quantity", "unitPrice", "amount"))
            table.add_row(f"  {step['description']}", *numbers, style="dim")
    sums = [(part, grouped(invoice[part]["amount"])) for part in ("subtotal", "tax", "total")]
    sums[1:1] = [(one["name"], f"-{grouped(one['amount']['amount'])}") for one in invoice["discounts"]]
    for name, amount in sums:
        table.add_row(name, "", "", amount, style="bold")
    for payment in invoice["payments"]:
        reason = f" ({payment['declineCode']})" if payment["declineCode"] else ""
        table.add_row(f"payment attempt {payment['attempt']}: {payment['status']}{reason}", style="dim")
    return table


def grouped(number: str) -> str:
    """A decimal number with a comma between thousands."""
    return f"{Decimal(number):,}"
