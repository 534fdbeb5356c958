"""The `tollhouse` command; subcommands print text for people, or JSON with --json."""

import typer

from tollhouse.cli.backup import backup
from tollhouse.cli.demo import demo
from tollhouse.cli.dlq import app as dlq
from tollhouse.cli.doctor import doctor
from tollhouse.cli.keys import app as keys
from tollhouse.cli.quickstart import quickstart
from tollhouse.cli.replay import replay
from tollhouse.cli.restore import reconcile, restore
from tollhouse.cli.token import token
from tollhouse.cli.up import up
from tollhouse.cli.verify import verify

app = typer.Typer(
    no_args_is_help=True,
    help="Event-sourced usage billing: servers, demo, verification, credentials.",
    pretty_exceptions_enable=False,
)
for command in (quickstart, up, demo, verify, replay, token, doctor, backup, restore, reconcile):
    app.command()(command)
app.add_typer(dlq, name="dlq")
app.add_typer(keys, name="keys")

__all__ = ["app"]
