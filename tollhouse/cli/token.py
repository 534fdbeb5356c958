"""`tollhouse token`: issues a token or an API key."""

from typing import Annotated

import typer

from tollhouse.api_key_file import FileIsUnreadable, KeyIsRefused
from tollhouse.cli.output import DEFAULT_FOLDER, AsJson, Folder, fail, print_json
from tollhouse.credentials import Credentials
from tollhouse.roles import SCOPES


def token(
    tenant: Annotated[str, typer.Option(help="The tenant; * for role service.")] = "demo",
    role: Annotated[str, typer.Option(help=f"One of {', '.join(SCOPES)}.")] = "billing_admin",
    subject: Annotated[
        str | None,
        typer.Option(help="The subject: a customer id for role customer; else local, or key:<id> of a key."),
    ] = None,
    scope: Annotated[
        list[str] | None, typer.Option(help="A scope instead of the role's scopes; repeatable.")
    ] = None,
    api_key: Annotated[
        bool, typer.Option("--api-key", help="Create a long-lived API key; it is shown only once.")
    ] = False,
    folder: Folder = DEFAULT_FOLDER,
    as_json: AsJson = False,
) -> None:
    """Create a bearer token (valid one day) or an API key (valid one year)."""
    if role not in SCOPES:
        fail(f"role {role!r} is none of {', '.join(SCOPES)}")
    scopes = scope or list(SCOPES[role])
    credentials = Credentials(folder / "keys")
    try:
        issued = (
            credentials.api_key(tenant=tenant, role=role, scopes=scopes, subject=subject)
            if api_key
            else credentials.token(tenant=tenant, role=role, scopes=scopes, subject=subject or "local")
        )
    except (KeyIsRefused, ValueError) as refused:
        fail(f"no service would accept it: {refused}")
    except FileIsUnreadable as unreadable:
        fail(str(unreadable))
    if as_json:
        print_json({"token": issued, "tenant": tenant, "role": role, "scopes": scopes})
    else:
        typer.echo(issued)
