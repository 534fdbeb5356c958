"""`tollhouse backup`, `restore`, `reconcile`; `doctor` and `verify` of databases that do not fit together."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner

from tests.recovery.invoiced_house import InvoicedHouse, differences, house_of, settled
from tollhouse.cli import app
from tollhouse.cli.output import FAILED, NOT_RUNNING
from tollhouse.embedded import local_servers
from tollhouse.installation_state import InstallationState
from tollhouse.provision import Databases
from tollhouse.recovery.backup import take_backup
from tollhouse.supervisor import Stack

UNDER_LOAD = 15
AHEAD = "UPDATE inbox SET position = position + $1 WHERE consumer = 'payments' AND topic = 'invoicing-events'"


async def tollhouse(*arguments: object, expect: int = 0) -> str:
    """Run a command; what it printed on both streams."""
    done = await asyncio.to_thread(CliRunner().invoke, app, [str(one) for one in arguments])
    assert done.exit_code == expect, f"{arguments}: {done.exit_code}\n{done.output}\n{done.exception!r}"
    return done.stdout + done.stderr


async def as_json(*arguments: object) -> dict[str, Any]:
    """The answer of a command with --json."""
    answer: dict[str, Any] = json.loads(await tollhouse(*arguments, "--json"))
    return answer


@asynccontextmanager
async def payments_ahead(databases: Databases) -> AsyncIterator[None]:
    """For the length of a block, payments has consumed more of invoicing than there is."""
    connection = await asyncpg.connect(databases.owner_dsn("payments"))
    await connection.execute(AHEAD, 1000)
    try:
        yield
    finally:
        await connection.execute(AHEAD, -1000)
        await connection.close()


@pytest.mark.timeout(240)
async def test_an_installation_moves_into_another_folder(tmp_path: Path) -> None:
    """Backed up while it runs, restored elsewhere, reconciled, and it goes on."""
    old, new, backups = tmp_path / "old", tmp_path / "new", tmp_path / "backups"
    async with Stack.start(old, fast=True) as stack:
        house = house_of(stack)
        await house.open()
        await house.send_invoices(3)
        await a_backup_under_load_fits_together(stack, house, tmp_path / "under-load")
        await settled(stack)
        taken = await as_json("backup", backups, "--folder", old)
        async with payments_ahead(stack.databases):
            await doctor_and_verify_see_it(old)
        refused = await tollhouse("restore", backups, "--folder", old, expect=FAILED)
        assert "stop it first" in refused
        await house.client.http.aclose()
    assert [Path(taken["path"])] == list(backups.iterdir())
    restored = await as_json("restore", backups, "--folder", new)
    assert set(restored["restored"]) == {*stack.urls, "sandbox"}
    assert (restored["kept"], restored["contradictions"], restored["lost"]) == ([], [], [])
    refused = await tollhouse("restore", backups, "--folder", new, expect=FAILED)
    assert "name what to replace" in refused
    await reconciled_by_default(new)
    await goes_on(new, house)


async def a_backup_under_load_fits_together(stack: Stack, house: InvoicedHouse, folder: Path) -> None:
    """What a database had consumed is in the dump of its context, although invoices were being collected."""
    sending = asyncio.create_task(house.send_invoices(UNDER_LOAD))
    while len(house.acknowledged_at) < UNDER_LOAD // 3:
        await asyncio.sleep(0.01)
    _, manifest = await take_backup(stack.databases, folder)
    await sending
    entries = [entry for database in manifest.databases for entry in database.positions]
    heads = {(one.context, one.partition): one.position for one in entries if one.holder == "head"}
    consumed = [one for one in entries if one.holder.startswith("consumer ")]
    assert max(one.position for one in consumed) > 1
    assert [one for one in consumed if one.position > heads[one.context, one.partition]] == []


async def doctor_and_verify_see_it(folder: Path) -> None:
    """Exit 1, with the position and the cure."""
    for command in ("doctor", "verify"):
        said = " ".join((await tollhouse(command, "--folder", folder, expect=FAILED)).split())
        assert "consumer payments stands at" in said
        assert "tollhouse reconcile" in said


async def reconciled_by_default(folder: Path) -> None:
    """Services may have run since: payments consumes the history of invoicing again."""
    async with local_servers(folder, fast=True) as servers:
        databases = Databases(servers.postgres_url, InstallationState(folder).secret)
        connection = await asyncpg.connect(databases.owner_dsn("payments"))
        await connection.execute(AHEAD, 1000)
        await connection.close()
    report = await as_json("reconcile", "--folder", folder)
    assert any("consumer payments stands at" in one for one in report["contradictions"])
    assert any("consumer payments goes back to 0 of invoicing/" in one for one in report["rewound"])
    assert "read from the feeds again" in report["read_side"]
    again = await as_json("reconcile", "--folder", folder)
    assert (again["contradictions"], again["continues_at"]) == ([], report["continues_at"])


async def goes_on(folder: Path, before: InvoicedHouse) -> None:
    """Old and new invoices are paid, and all is verified."""
    async with Stack.start(folder, fast=True) as stack:
        house = house_of(stack, before)
        await house.send_invoices(3)
        await settled(stack)
        assert await house.shown() == dict.fromkeys(house.invoices.values(), "paid")
        assert len(house.invoices) == 6 + UNDER_LOAD
        assert await differences(stack) == []
        await house.client.http.aclose()


def test_where_nothing_runs_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    """Exit 2, as of other commands."""
    done = CliRunner().invoke(app, ["backup", str(tmp_path / "b"), "--folder", str(tmp_path / "none")])
    assert done.exit_code == NOT_RUNNING
    assert "start it with `tollhouse up`" in done.stderr


def test_where_there_is_no_backup_nothing_is_restored(tmp_path: Path) -> None:
    """Exit 1 before a server starts; an instant must be one."""
    restore = ["restore", str(tmp_path), "--folder", str(tmp_path / "state")]
    done = CliRunner().invoke(app, restore)
    assert (done.exit_code, (tmp_path / "state").exists()) == (FAILED, False)
    assert "no backup" in done.stderr
    assert "RFC 3339" in CliRunner().invoke(app, [*restore, "--at", "yesterday"]).stderr
