"""`tollhouse up`: runs an installation on this machine until Ctrl-C."""

from typing import Annotated

import typer
from rich.table import Table

from tollhouse.cli.output import DEFAULT_FOLDER, AsJson, Folder, console, print_json, run
from tollhouse.roles import SCOPES
from tollhouse.supervisor import Stack, serve


def up(
    folder: Folder = DEFAULT_FOLDER,
    as_json: AsJson = False,
    tenant: Annotated[str, typer.Option(help="The tenant of the printed tokens.")] = "demo",
    readers: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that answer GraphQL, on one address.")
    ] = 2,
) -> None:
    """Start servers and services, print their addresses and tokens, and keep them running."""

    def announce(stack: Stack) -> None:
        tokens = {
            role: stack.credentials.token(tenant="*" if role == "service" else tenant, role=role)
            for role in SCOPES
            if role != "customer"
        }
        if as_json:
            print_json({"urls": dict(stack.urls), "tokens": tokens, "pids": stack.pids})
        else:
            _show(stack, tokens, tenant)

    run(serve(folder, announce, readers=readers))


def _show(stack: Stack, tokens: dict[str, str], tenant: str) -> None:
    table = Table("service", "address", "documentation", box=None)
    for name, url in stack.urls.items():
        table.add_row(name, url, f"{url}/docs")
    table.add_row("GraphQL", f"{stack.urls['projections']}/graphql", "projections/schema.graphql")
    console.print(table)
    console.print(f"\nTokens of tenant [bold]{tenant}[/bold] (valid one day; more with `tollhouse token`):")
    for role, token in tokens.items():
        console.print(f"\n[bold]{role}[/bold]")
        console.print(token, soft_wrap=True, highlight=False)
    console.print("\nCtrl-C stops everything; data stays in", str(stack.folder), highlight=False)
