"""`tollhouse keys`: API keys are listed, created, rotated and revoked, in the file that services read."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from tollhouse.api_key_file import ApiKeyFile, FileIsUnreadable, KeyIsRefused, KeyIsUnknown
from tollhouse.cli.output import DEFAULT_FOLDER, AsJson, Folder, console, fail, print_json
from tollhouse.credentials import api_keys_file
from tollhouse.roles import SCOPES

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="API keys: list, create, rotate, revoke.")

File = Annotated[
    Path | None,
    typer.Option(help="A file of keys elsewhere, such as a Kubernetes secret's, instead of the folder's."),
]
KeyId = Annotated[str, typer.Argument(help="The id of the key, as listed.")]
Days = Annotated[int, typer.Option(min=1, max=3650, help="The new key is valid for so many days.")]


@app.command("list")
def list_(file: File = None, folder: Folder = DEFAULT_FOLDER, as_json: AsJson = False) -> None:
    """List all keys by their first and last characters, with what they grant."""
    keys = _checked(_file(file, folder).list_keys)
    if as_json:
        print_json([asdict(key) for key in keys])
        return
    for key in keys:
        grants = f"{key.role} of {key.tenant}, acts as {key.subject}, until {key.expires_at}"
        console.print(f"{key.masked}  {key.state}: {grants}", soft_wrap=True, highlight=False, markup=False)
    if not keys:
        console.print("no keys")


@app.command()
def create(
    tenant: Annotated[str, typer.Option(help="The tenant; * for role service.")] = "demo",
    role: Annotated[str, typer.Option(help=f"One of {', '.join(SCOPES)}.")] = "billing_admin",
    subject: Annotated[
        str | None, typer.Option(help="Whom it acts as: a customer id for role customer; else key:<id>.")
    ] = None,
    scope: Annotated[
        list[str] | None, typer.Option(help="A scope instead of the role's scopes; repeatable.")
    ] = None,
    days: Days = 365,
    file: File = None,
    folder: Folder = DEFAULT_FOLDER,
    as_json: AsJson = False,
) -> None:
    """Create a key and print it: only its hash is stored, so it is never shown again."""
    if role not in SCOPES:
        fail(f"role {role!r} is none of {', '.join(SCOPES)}")
    keys, lifetime = _file(file, folder), timedelta(days=days)
    scopes = scope or SCOPES[role]
    _print(
        _checked(
            lambda: keys.create(tenant=tenant, role=role, scopes=scopes, subject=subject, lifetime=lifetime)
        ),
        as_json,
    )


@app.command()
def rotate(
    key_id: KeyId,
    overlap_hours: Annotated[float, typer.Option(min=0, help="The old key is valid for so long.")] = 24,
    days: Days = 365,
    file: File = None,
    folder: Folder = DEFAULT_FOLDER,
    as_json: AsJson = False,
) -> None:
    """Create a key that grants the same and acts as the same subject; the old one ends after the overlap."""
    keys, lifetime, overlap = _file(file, folder), timedelta(days=days), timedelta(hours=overlap_hours)
    _print(_checked(lambda: keys.rotate(key_id, overlap=overlap, lifetime=lifetime)), as_json)


@app.command()
def revoke(key_id: KeyId, file: File = None, folder: Folder = DEFAULT_FOLDER) -> None:
    """Remove a key: services that read the file refuse it within seconds."""
    _checked(lambda: _file(file, folder).revoke(key_id))
    console.print(f"{key_id} is revoked", highlight=False)


def _file(file: Path | None, folder: Path) -> ApiKeyFile:
    return ApiKeyFile(file or api_keys_file(folder / "keys"))


def _checked(work: Callable[[], T]) -> T:
    """What `work` returns; what it refuses ends the command with a line on standard error."""
    try:
        return work()
    except KeyIsUnknown as unknown:
        fail(f"there is no key {unknown}")
    except KeyIsRefused as refused:
        fail(f"no service would accept such a key: {refused}")
    except FileIsUnreadable as unreadable:
        fail(str(unreadable))
    except OSError as error:
        fail(f"{error.filename} cannot be read: {error.strerror}")


def _print(key: str, as_json: bool) -> None:
    if as_json:
        print_json({"key": key, "id": key.split("_")[2]})
    else:
        typer.echo(key)
