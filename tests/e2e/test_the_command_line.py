"""What `tollhouse` says to people and to machines, on an installation that runs and where none does."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx2
import pytest
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed
from typer.testing import CliRunner, Result

from tests.e2e.conftest import Installation
from tests.e2e.small_business import JANUARY, open_business
from tollhouse.cli import app
from tollhouse.cli.output import FAILED, NOT_RUNNING
from tollhouse.client import CallFailed, Client
from tollhouse.demo.playback import advance

CUSTOMER = {"external_id": "acme", "currency": "EUR", "time_zone": "UTC"}
CUSTOMERS = "{ customers { edges { node { externalId } } } }"


def one_off(customer_id: str) -> dict[str, Any]:
    """The body of an invoice for a customer that invoicing must have received."""
    return {
        "customer_id": customer_id,
        "lines": [{"description": "x", "quantity": "1", "unit_price": "1.00"}],
    }


async def tollhouse(installation: Installation, *arguments: str, expect: int = 0) -> Result:
    """One command, in this process, for the interpreter takes longer to start than most of them to answer."""
    command = [*arguments, "--folder", str(installation.folder)]
    done = await asyncio.to_thread(CliRunner().invoke, app, command)
    assert done.exit_code == expect, f"{arguments}: {done.exit_code}\n{done.output}\n{done.exception!r}"
    return done


async def test_the_doctor_finds_everything_well(installation: Installation) -> None:
    """Every process and every server answers, in words and as JSON."""
    installation.tollhouse("doctor")
    report = json.loads((await tollhouse(installation, "doctor", "--json")).stdout)
    assert report["ready"] is True
    assert set(report["services"]) == set(installation.addresses.urls)
    assert set(report["servers"]) == {"postgres", "redis", "kafka"}
    assert "PostgreSQL" in report["servers"]["postgres"]["detail"]


async def test_the_doctor_names_what_does_not_answer(installation: Installation, tmp_path: Path) -> None:
    """Exit 1: one process and one server are looked for at a port that is not open."""
    found = json.loads((installation.folder / "running.json").read_text())
    found["urls"]["metering"] = found["redis_url"] = "redis://127.0.0.1:1"
    (tmp_path / "running.json").write_text(json.dumps(found))
    shutil.copytree(installation.folder / "keys", tmp_path / "keys")
    astray = Installation(tmp_path, installation.process)
    report = json.loads((await tollhouse(astray, "doctor", "--json", expect=FAILED)).stdout)
    away = [name for name, one in (report["services"] | report["servers"]).items() if not one["ready"]]
    assert (report["ready"], away) == (False, ["metering", "redis"])
    assert "not ready" in (await tollhouse(astray, "doctor", expect=FAILED)).stdout


UNTIL_KEYS_ARE_READ: dict[str, Any] = {
    "retry": retry_if_exception_type((CallFailed, AssertionError)),
    "stop": stop_after_delay(10),
    "wait": wait_fixed(0.1),
    "reraise": True,
}
"""A process reads the file of keys at most once a second, so a new key is known to each a second later."""


@pytest.mark.parametrize("kind", [(), ("--api-key",)], ids=["token", "api-key"])
async def test_a_minted_credential_opens_the_door(installation: Installation, kind: tuple[str, ...]) -> None:
    """Both kinds, for the tenant and with the rights of the role that was asked for."""
    minted = await tollhouse(installation, "token", "--tenant", "minted", "--role", "billing_viewer", *kind)
    token = minted.stdout.strip()
    assert token.startswith("th_live_" if kind else "ey")
    async with Client(installation.addresses.urls, token) as client:
        async for attempt in AsyncRetrying(**UNTIL_KEYS_ARE_READ):
            with attempt:
                assert await client.graphql(CUSTOMERS) == {"customers": {"edges": []}}
                answer = await client.http.post(
                    f"{installation.addresses.urls['subscriptions']}/v1/customers",
                    headers={"authorization": f"Bearer {token}", "idempotency-key": "k"},
                    json={},
                )
                assert answer.status_code == httpx2.codes.FORBIDDEN


async def test_an_unknown_role_is_refused_with_those_that_there_are(installation: Installation) -> None:
    """A typing error must not become a credential that opens nothing."""
    refused = await tollhouse(installation, "token", "--role", "emperor", expect=FAILED)
    assert "billing_admin" in refused.stderr
    assert refused.stdout == ""


async def test_replay_tells_what_happened_to_a_stream_and_to_a_customer(installation: Installation) -> None:
    """For people and machines; `--as-of` ends the story at a moment of the tenant's own clock."""
    async with installation.client("report") as client:
        customer_id = await open_business(client)
        await advance(client, datetime(2026, 2, 2, tzinfo=UTC))
        await installation.settled()
    replay = ("replay", "--tenant", "report")
    for_people = (await tollhouse(installation, *replay, "--stream", customer_id)).stdout
    assert "subscriptions.customer.registered.v1" in for_people
    assert "external_id: acme" in for_people
    (registered,) = json.loads(
        (await tollhouse(installation, *replay, "--stream", customer_id, "--json")).stdout
    )
    assert registered["data"]["customer_id"] == registered["stream_id"] == customer_id
    of_customer = (*replay, "--customer", customer_id, "--json")
    everything = json.loads((await tollhouse(installation, *of_customer)).stdout)
    assert {event["context"] for event in everything} == {
        "subscriptions",
        "metering",
        "invoicing",
        "payments",
    }
    moments = [event["occurred_at"] for event in everything]
    assert moments == sorted(moments)
    at_first = json.loads(
        (await tollhouse(installation, *of_customer, "--as-of", JANUARY.isoformat())).stdout
    )
    assert at_first == [event for event in everything if event["occurred_at"] <= "2026-01-01T00:00:00Z"]
    assert 0 < len(at_first) < len(everything)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (("--stream", "inv_nobody"), "no such history"),
        (("--customer", "cus_nobody"), "no such history"),
        ((), "name one of"),
        (("--stream", "a", "--customer", "b"), "name one of"),
        (("--stream", "a", "--as-of", "yesterday"), "RFC 3339"),
    ],
)
async def test_a_replay_of_nothing_is_a_sentence(
    installation: Installation, asked: tuple[str, ...], sentence: str
) -> None:
    """Never an empty answer that looks like a life without events."""
    assert sentence in (await tollhouse(installation, "replay", *asked, expect=FAILED)).stderr


@asynccontextmanager
async def refusing(installation: Installation, context: str, tenant: str) -> AsyncIterator[None]:
    """For the length of a block, nothing of one tenant can be written in one context."""
    database = urlsplit(installation.addresses.postgres_url)._replace(path=f"/tollhouse_{context}").geturl()
    admin = await asyncpg.connect(database)
    await admin.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'a story forbids it'; END $$;"
        "CREATE TRIGGER refused BEFORE INSERT ON events FOR EACH ROW"
        f" WHEN (NEW.tenant_id = '{tenant}') EXECUTE FUNCTION refuse()"
    )
    try:
        yield
    finally:
        await admin.execute("DROP TRIGGER refused ON events; DROP FUNCTION refuse()")
        await admin.close()


async def test_dead_letters_are_listed_shown_and_replayed_until_they_pass(installation: Installation) -> None:
    """What cannot be handled is set aside with its cause; once the cause is gone it is as if it never was."""
    async with installation.client("unlucky") as client:
        async with refusing(installation, "invoicing", "unlucky"):
            customer_id = (await client.command("subscriptions", "/v1/customers", CUSTOMER, key="c"))[
                "customer_id"
            ]
            await installation.settled()
            ((process, letter),) = json.loads((await tollhouse(installation, "dlq", "list", "--json")).stdout)
            position = letter["record"]["position"]
            assert (process, letter["record"]["stream_id"]) == ("invoicing", customer_id)
            assert "a story forbids it" in letter["cause"]
            assert customer_id in (await tollhouse(installation, "dlq", "list")).stdout
            shown = await tollhouse(installation, "dlq", "show", "invoicing", str(position))
            assert json.loads(shown.stdout) == [letter]
            failing = await tollhouse(installation, "dlq", "replay", "--context", "invoicing", expect=FAILED)
            assert "0 handled, 1 still failing" in failing.stdout
            assert "a story forbids it" in failing.stderr
        replayed = json.loads((await tollhouse(installation, "dlq", "replay", "--json")).stdout)
        assert replayed["invoicing"] == {"handled": 1, "failing": []}
        assert "no dead letters" in (await tollhouse(installation, "dlq", "list")).stdout
        await client.command("invoicing", "/v1/invoices", one_off(customer_id), key="now-it-is-known")


async def test_a_dead_letter_that_is_not_there_is_a_sentence(installation: Installation) -> None:
    """And so is a process that there is not."""
    assert (
        "no dead letter"
        in (await tollhouse(installation, "dlq", "show", "metering", "7", expect=FAILED)).stderr
    )
    assert (
        "none of"
        in (await tollhouse(installation, "dlq", "list", "--context", "nobody", expect=FAILED)).stderr
    )


@pytest.mark.parametrize(
    "command",
    ["doctor", "verify", "replay --stream a", "dlq list", "dlq show invoicing 1", "dlq replay"],
)
def test_where_nothing_runs_each_command_says_what_to_do(command: str, tmp_path: Path) -> None:
    """Exit 2, and nothing is left in a folder that was perhaps only mistyped."""
    folder = tmp_path / "nobody-home"
    done = CliRunner().invoke(app, [*command.split(), "--folder", str(folder)])
    assert done.exit_code == NOT_RUNNING, done.output
    assert "start it with `tollhouse up`" in done.stderr
    assert not folder.exists()
