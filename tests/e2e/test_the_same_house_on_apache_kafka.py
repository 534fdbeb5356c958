"""One whole story on the real thing: Apache Kafka in KRaft mode, where a JDK and Maven are there."""

from pathlib import Path

import pytest

from tests.e2e.flights_billed import billed
from tests.e2e.oracle import bills
from tollhouse.cli.verify import audited
from tollhouse.demo.flights import departures
from tollhouse.demo.playback import open_account, play_months
from tollhouse.demo.run import client_of
from tollhouse.quiescence import wait_until_quiescent
from tollhouse.servers.apache_kafka import fetch, why_unavailable
from tollhouse.supervisor import Stack


@pytest.mark.timeout(300)
async def test_a_month_is_billed_alike_over_apache_kafka(tmp_path: Path) -> None:
    """The broker is only the transport: the same bills, and the same proof."""
    if reason := why_unavailable():
        pytest.skip(f"SKIPPED, NOT TESTED ON APACHE KAFKA: {reason}")
    fetch()
    async with (
        Stack.start(tmp_path / "house", broker="apache", fast=True) as stack,
        client_of(stack) as client,
    ):
        assert stack.servers.broker == "apache"
        await open_account(client)
        await play_months(client, departures(), 1)
        await wait_until_quiescent(stack.urls, stack.credentials.service_token_file.read_text())
        assert await billed(client) == bills(1)
        assert (await audited(stack.addresses(), stack.credentials)).differences == []
