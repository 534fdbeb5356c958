"""`tollhouse up`: what dies comes back, Ctrl-C leaves nothing running, the next start remembers."""

import os
import signal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.e2e.conftest import Installation, tollhouse_up
from tollhouse.cli import app
from tollhouse.cli.output import FAILED
from tollhouse.client import Client
from tollhouse.tests.waiting import is_alive, until

CUSTOMERS = "{ customers { edges { node { externalId } } } }"
VICTIMS = ("invoicing", "postgres", "tansu")


async def register(client: Client, external_id: str) -> None:
    """One customer, by the client's tenant."""
    customer = {"external_id": external_id, "currency": "EUR", "time_zone": "UTC"}
    await client.command("subscriptions", "/v1/customers", customer, key=external_id)


async def registered(client: Client) -> set[str]:
    """The external ids of all customers in the read side, for the client's tenant."""
    edges = (await client.graphql(CUSTOMERS))["customers"]["edges"]
    return {edge["node"]["externalId"] for edge in edges}


def family(pid: int) -> set[int]:
    """A process, its children and theirs."""
    parents = {int(stat.parent.name): _parent(stat) for stat in Path("/proc").glob("[0-9]*/stat")}
    found, newest = {pid}, {pid}
    while newest:
        newest = {child for child, parent in parents.items() if parent in newest}
        found |= newest
    return found


def _parent(stat: Path) -> int:
    try:
        return int(stat.read_text().rsplit(")", 1)[1].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0  # it ended while we looked


async def killed(installation: Installation, name: str) -> None:
    """kill -9, and wait until it is gone."""
    pid = installation.pids[name]
    os.kill(pid, signal.SIGKILL)
    await until(lambda: not is_alive(pid))


@pytest.mark.timeout(180)
async def test_what_dies_comes_back_and_what_is_stopped_is_gone_and_nothing_is_forgotten(
    installation: Installation, tmp_path: Path
) -> None:
    """Two lives on one folder, both beside another installation on this machine."""
    with tollhouse_up(tmp_path / "state") as first:
        async with first.client("kept") as client:
            for number, victim in enumerate(VICTIMS):
                await killed(first, victim)
                await register(client, f"after-{number}")
            await first.settled()
            assert len(await registered(client)) == len(VICTIMS)
        running = family(first.process.pid)
        assert set(first.pids.values()) & running
    await until(lambda: not any(is_alive(pid) for pid in running))
    with tollhouse_up(tmp_path / "state") as second:
        async with second.client("kept") as client, installation.client("kept") as neighbour:
            await register(neighbour, "of-the-neighbour")
            await register(client, "of-the-second-life")
            assert await registered(neighbour) == {"of-the-neighbour"}
            assert await registered(client) == {"after-0", "after-1", "after-2", "of-the-second-life"}


def test_a_folder_has_one_house_at_a_time(installation: Installation) -> None:
    """The second start is refused, and the first installation goes on."""
    refused = CliRunner().invoke(app, ["up", "--folder", str(installation.folder)])
    assert (refused.exit_code, refused.stdout) == (FAILED, "")
    assert f"a Tollhouse is running on {installation.folder}: stop it first" in refused.stderr
    assert installation.process.poll() is None
    installation.tollhouse("doctor")
