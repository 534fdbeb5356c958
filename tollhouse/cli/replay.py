"""`tollhouse replay`: the events of one stream or one customer, up to any instant."""

from typing import Annotated, Any

import msgspec
import typer
from rich.markup import escape

from shared.framework.core.instants import parse_instant
from tollhouse.cli.output import (
    DEFAULT_FOLDER,
    AsJson,
    Folder,
    console,
    fail,
    print_json,
    run,
    running_installation,
)
from tollhouse.client import Client
from tollhouse.credentials import Credentials

Stream = Annotated[str | None, typer.Option(help="One stream, such as inv_01j9...")]
Customer = Annotated[str | None, typer.Option(help="All events about one customer, cus_...")]
AsOf = Annotated[str | None, typer.Option(help="Up to this RFC 3339 instant on the tenant's clock.")]


def replay(
    tenant: Annotated[str, typer.Option(help="The tenant whose history is read.")] = "demo",
    stream: Stream = None,
    customer: Customer = None,
    as_of: AsOf = None,
    folder: Folder = DEFAULT_FOLDER,
    as_json: AsJson = False,
) -> None:
    """List the events of a stream or a customer in order of occurrence."""
    if (stream is None) == (customer is None):
        fail("name one of --stream and --customer")
    if as_of is not None and not _is_instant(as_of):
        fail(f"--as-of {as_of!r} is no RFC 3339 instant such as 2026-03-01T00:00:00Z")
    filters = {"stream_id": stream, "customer_id": customer, "as_of": as_of}
    urls = running_installation(folder).urls
    token = Credentials(folder / "keys").token(tenant=tenant, role="auditor")
    events = run(_read(Client(urls, token), {k: v for k, v in filters.items() if v}))
    if not events:
        fail("no such history: nothing is stored under this name for this tenant up to then")
    if as_json:
        print_json(events)
    else:
        for event in events:
            _print_event(event)


def _is_instant(text: str) -> bool:
    try:
        parse_instant(text)
    except ValueError:
        return False
    return True


async def _read(client: Client, filters: dict[str, str]) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    async with client:
        while True:
            page = await client.get("projections", "/v1/history", **filters)
            events += page["events"]
            if page["next"] is None:
                return events
            filters = filters | {"after": page["next"]}


def _print_event(event: dict[str, Any]) -> None:
    source = f"{event['context']} #{event['position']}, {event['stream_id']} v{event['version']}"
    console.print(
        f"[bold]{event['occurred_at']}[/bold]  {event['type']}  [dim]{source},"
        f" by {escape(event['actor'])}, recorded {event['recorded_at']}[/dim]",
        highlight=False,
        soft_wrap=True,
    )
    for name, value in event["data"].items():
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        console.print(f"    {name}: {escape(text)}", highlight=False, soft_wrap=True)
