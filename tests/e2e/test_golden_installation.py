"""An installation that was saved by the code of before issue 6 opens, verifies and goes on.

What was saved, and how, is described in tests/contract/golden_installation/README.md.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from shared.billing.contracts import CONTEXTS, CONTRACTS
from shared.framework.eventstore.records import EventRecord
from shared.framework.messaging.envelope import record_from_message
from shared.framework.messaging.feed_http import HttpFeeds
from shared.framework.messaging.kafka import KafkaBroker
from shared.framework.messaging.port import Delivery, Message
from tests.contract.golden_installation import questions
from tests.contract.golden_installation.saved_files import (
    DATABASES,
    PROCESSES,
    SavedMessage,
    restore_databases,
    saved_answers,
    saved_messages,
)
from tests.e2e.conftest import Installation, tollhouse_up
from tollhouse.cli import app
from tollhouse.client import Client
from tollhouse.demo.playback import advance
from tollhouse.embedded import LocalServers, local_servers
from tollhouse.servers.topics import PARTITIONS

ANSWERS = saved_answers()
HARBOR, MILL, RIVER = (ANSWERS["tenants"][name] for name in ("harbor", "mill", "river"))

INVOICE = "query($i: ID!) { invoice(id: $i) { status total { minor } } }"
INVOICES = """query($c: ID!) { customer(id: $c) { balance { paid { minor } refunded { minor } owed { minor } }
  invoices(first: 100) { edges { node { id status period { start } total { minor } lines {
    chargeKey quantity amount { minor } } } } } } }"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalServers]:
    """Servers of this test's own, holding the saved databases and the saved topics."""
    async with local_servers(tmp_path_factory.mktemp("golden-servers"), fast=True) as running:
        await make_roles(running.postgres_url)
        await asyncio.gather(
            asyncio.to_thread(restore_databases, running.postgres_url),
            publish(running.kafka_bootstrap, saved_messages()),
        )
        await keep_idempotency_keys(running.postgres_url)
        yield running


async def make_roles(server_url: str) -> None:
    """Owners and services, who may not log in before `tollhouse up` gives them passwords."""
    connection = await asyncpg.connect(server_url, timeout=10)
    for name in PROCESSES:
        await connection.execute(f"CREATE ROLE {name}_owner; CREATE ROLE {name}_app")
    await connection.close()


async def publish(bootstrap: str, messages: list[SavedMessage]) -> None:
    """Put the messages on the broker as they were, in order."""
    broker = KafkaBroker(bootstrap, idempotence=False, fetch_wait_ms=100)
    producer = await broker.producer()
    await producer.send_batch([Message(*message) for message in messages])
    await producer.close()
    await broker.close()


async def keep_idempotency_keys(server_url: str) -> None:
    """As if the answers had been given today: after some weeks they are deleted."""
    for database in DATABASES:
        if database != "tollhouse_sandbox":
            url = urlsplit(server_url)._replace(path=f"/{database}").geturl()
            connection = await asyncpg.connect(url, timeout=10)
            await connection.execute("UPDATE idempotency SET claimed_at = now()")
            await connection.close()


@contextmanager
def on_servers(servers: LocalServers) -> Iterator[None]:
    """`tollhouse up` uses these servers instead of its own."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TOLLHOUSE_POSTGRES_URL", servers.postgres_url)
        environment.setenv("TOLLHOUSE_REDIS_URL", servers.redis_url)
        environment.setenv("TOLLHOUSE_KAFKA_BOOTSTRAP", servers.kafka_bootstrap)
        yield


@pytest.fixture(scope="module")
def golden(servers: LocalServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The saved installation, opened by the code of today."""
    with on_servers(servers), tollhouse_up(tmp_path_factory.mktemp("golden") / "state") as installation:
        yield installation


async def test_an_installation_of_before_opens_verifies_and_goes_on(golden: Installation) -> None:
    """One story, for each part goes on where the part before stopped."""
    await golden.settled(timeout_s=45)
    await its_dead_letters_are_listed_and_replayed(golden)
    await verified(golden)
    async with golden.client("harbor") as harbor, golden.client("river") as river:
        await everything_is_answered_as_before(harbor, HARBOR)
        await everything_is_answered_as_before(river, RIVER)
        assert await questions.counted(harbor) == ANSWERS["counted"]
        await the_new_meter_has_caught_up(harbor)
        await repeated_commands_are_answered_to_the_byte(harbor)
        await what_was_in_hand_is_finished(golden, harbor)
        await march_is_billed_and_paid(golden, harbor)
    async with golden.client("mill") as mill:
        await the_month_behind_the_dead_letters_is_billed(golden, mill)
    await verified(golden)


async def its_dead_letters_are_listed_and_replayed(golden: Installation) -> None:
    """One for each process that consumes; their cause has gone, so all of them succeed."""
    letters = json.loads(await command(golden, "dlq", "list", "--json"))
    listed = [
        [process, *(letter["record"][name] for name in ("wire_name", "stream_id", "position"))]
        for process, letter in letters
    ]
    assert sorted(listed) == sorted(ANSWERS["dead_letters"])
    assert {process for process, *_ in listed} == set(PROCESSES) - {"subscriptions"}
    replayed = json.loads(await command(golden, "dlq", "replay", "--json"))
    assert sum(done["handled"] for done in replayed.values()) == len(listed)
    await golden.settled(timeout_s=45)


async def everything_is_answered_as_before(client: Client, saved: dict[str, Any]) -> None:
    """What was served at a moment of the tenant's clock is served `asOf` that moment."""
    for snapshot in saved["served"]:
        ids = {entity: list(found) for entity, found in snapshot["served"].items()}
        assert await questions.answers(client, ids, snapshot["as_of"]) == snapshot["served"]


async def the_new_meter_has_caught_up(harbor: Client) -> None:
    """It was saved after 50 batches of its past. acme: 30 + 30 in the EU, 1 in the US; bolt: 60 x 0.5."""
    answer = await harbor.get(
        "metering", "/v1/usage", meter="gigabytes_by_region", group_by="region", **questions.HISTORY
    )
    counted = {item["group"]["region"]: item["value"] for item in answer["items"]}
    assert {region: float(value) for region, value in counted.items()} == {"eu": 75.0, "us": 16.0}


async def repeated_commands_are_answered_to_the_byte(harbor: Client) -> None:
    """Every command of the saved story, sent again under its key, has the stored answer and no effect."""
    before = await questions.ids_of(harbor)
    for saved in HARBOR["commands"]:
        answer = await post(harbor, saved, saved["body"])
        assert (answer.status_code, answer.text) == (saved["status"], saved["answer"]), saved["path"]
        assert answer.headers.get("tollhouse-position") == saved["position"]
    other = await post(harbor, HARBOR["commands"][0], '{"now":"2025-01-01T00:00:00Z"}')
    assert other.is_client_error, "a key that was used for another body is refused"
    assert await questions.ids_of(harbor) == before


async def post(client: Client, saved: dict[str, Any], body: str) -> Any:
    """A command, with nothing between us and its answer."""
    headers = {
        "authorization": f"Bearer {client.token}",
        "content-type": "application/json",
        "idempotency-key": saved["key"],
    }
    return await client.http.post(
        client.urls[saved["context"]] + saved["path"], content=body, headers=headers
    )


async def what_was_in_hand_is_finished(golden: Installation, harbor: Client) -> None:
    """The timers that were pending: a reading, a retry, a payment in doubt, a refund."""
    before = {name: await invoice(harbor, invoice_id) for name, invoice_id in HARBOR["invoices"].items()}
    assert {name: found["status"] for name, found in before.items()} == {
        "setup": "paid",
        "left-as-draft": "draft",
        "declined-once": "finalized",
        "unknown": "finalized",
        "refunding": "void",
    }
    assert (await customer(harbor, "echo"))["balance"]["refunded"]["minor"] == 0
    await advance(harbor, datetime(2026, 3, 16, tzinfo=UTC))
    await golden.settled(timeout_s=45)
    for name in ("declined-once", "unknown"):
        assert (await invoice(harbor, HARBOR["invoices"][name]))["status"] == "paid"
    echo = (await customer(harbor, "echo"))["balance"]
    assert echo["refunded"]["minor"] == before["refunding"]["total"]["minor"] == 595
    # Nine calls at 3.5 yen are 31.5, so 32; with the fee 532; with 19 % 633.08, so 633.
    week = billed(await customer(harbor, "kiyo"), "2026-03-05")
    assert (week["status"], week["total"]["minor"]) == ("paid", 633)


async def march_is_billed_and_paid(golden: Installation, harbor: Client) -> None:
    """Forty calls lay unread on a topic; the rest is sent to the code of today."""
    await advance(harbor, datetime(2026, 3, 31, 22, 10, tzinfo=UTC))  # in Berlin it is April: time of grace
    await harbor.send_events(list(usage_of_march()))
    await advance(harbor, datetime(2026, 4, 2, tzinfo=UTC))
    await golden.settled(timeout_s=45)
    march = billed(await customer(harbor, "acme"), "2026-03-01")
    lines = {(line["chargeKey"], line["quantity"]): line["amount"]["minor"] for line in march["lines"]}
    assert lines == {
        ("fee", "1"): 1000,
        ("calls", "140"): 210,
        ("calls", "100"): 150,
        ("gigabytes", "150.5"): 1504,  # 100 at 0.10, then 50.5 at 0.08 and a fee of 1.00
        ("users", "3"): 600,
    }
    assert (march["status"], march["total"]["minor"]) == ("paid", 4122)  # 34.64 and 19 %
    assert (await customer(harbor, "acme"))["balance"]["owed"]["minor"] == 0


def usage_of_march() -> Iterator[bytes]:
    """For acme: 100 calls from each region, 150.5 GB, three users; with one repetition."""
    start = datetime(2026, 3, 20, tzinfo=UTC)
    events = [("api.call", {"region": region}) for region in ("eu", "us") for _ in range(100)]
    events += [("transfer", {"region": "eu", "gigabytes": size}) for size in ("60.5", "90")]
    events += [("login", {"user": user}) for user in ("u1", "u2", "u3", "u1")]
    for number, (kind, data) in enumerate(events):
        yield json.dumps(
            {
                "specversion": "1.0",
                "type": kind,
                "source": "test",
                "subject": "acme",
                "id": f"march-{number}",
                "time": (start + timedelta(minutes=number)).isoformat(),
                "data": data,
            }
        ).encode()


async def the_month_behind_the_dead_letters_is_billed(golden: Installation, mill: Client) -> None:
    """Ten calls at 0.015 and a fee of 10.00, no tax; the one-off invoice of 2 x 4.00 is paid too."""
    await advance(mill, datetime(2026, 2, 2, tzinfo=UTC))
    await golden.settled(timeout_s=45)
    found = (await mill.graphql(INVOICES, c=MILL["customers"]["grain"]))["customer"]
    january = billed(found, "2026-01-01")
    assert (january["status"], january["total"]["minor"]) == ("paid", 1015)
    assert (await invoice(mill, MILL["invoices"]["parked"]))["status"] == "paid"
    assert found["balance"] == {"paid": {"minor": 1815}, "refunded": {"minor": 0}, "owed": {"minor": 0}}


async def customer(harbor: Client, name: str) -> dict[str, Any]:
    """Balance and invoices of one of harbor's customers."""
    found: dict[str, Any] = (await harbor.graphql(INVOICES, c=HARBOR["customers"][name]))["customer"]
    return found


async def invoice(client: Client, invoice_id: str) -> dict[str, Any]:
    """Status and total."""
    found: dict[str, Any] = (await client.graphql(INVOICE, i=invoice_id))["invoice"]
    return found


def billed(found: dict[str, Any], start: str) -> dict[str, Any]:
    """The one invoice of the period that begins so."""
    nodes = [edge["node"] for edge in found["invoices"]["edges"]]
    (only,) = [node for node in nodes if node["period"] and node["period"]["start"].startswith(start)]
    return dict(only)


async def verified(golden: Installation) -> None:
    """`tollhouse verify` finds every event of every context, and no difference."""
    report = json.loads(await command(golden, "verify", "--json"))
    assert report["differences"] == []
    assert all(count > 20 for count in report["events"].values()), report["events"]


async def command(golden: Installation, *arguments: str) -> str:
    """Standard output of `tollhouse`, which must succeed."""
    done = await asyncio.to_thread(CliRunner().invoke, app, [*arguments, "--folder", str(golden.folder)])
    assert done.exit_code == 0, f"{arguments}: {done.output}\n{done.exception!r}"
    return done.stdout


async def test_every_message_of_before_is_read_as_its_event_is(golden: Installation) -> None:
    """The topics' bytes give the same record as the feed of the code of today does."""
    from_feed = await history(golden)
    topics = [message for message in saved_messages() if not message[0].endswith(".dlq")]
    assert len(topics) > 400
    for offset, (topic, partition, key, value, headers) in enumerate(topics):
        delivery = Delivery(topic, partition, offset, key, value, headers)
        record = record_from_message(delivery, CONTRACTS.contexts[topic])
        assert record == from_feed[record.context, record.position]


async def history(golden: Installation) -> dict[tuple[str, int], EventRecord]:
    """The whole feed of every context, by context and position."""
    feeds = HttpFeeds(golden.addresses.urls, golden.credentials.service_token_file)
    found: dict[tuple[str, int], EventRecord] = {}
    for context, partition in product(CONTEXTS, range(PARTITIONS)):
        after, records = 0, [*(await feeds.page(context, partition, PARTITIONS, 0, 1000)).records]
        while records:
            found |= {(context, record.position): record for record in records}
            after = records[-1].position
            records = [*(await feeds.page(context, partition, PARTITIONS, after, 1000)).records]
    await feeds.close()
    return found
