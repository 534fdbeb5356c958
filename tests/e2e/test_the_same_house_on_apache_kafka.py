"""One whole story on the real thing: Apache Kafka in KRaft mode, where a JDK and Maven are there."""

from pathlib import Path

import pytest

from tests.apache_kafka.server import local_apache_kafka, why_unavailable
from tests.e2e.flights_billed import billed
from tests.e2e.oracle import bills
from tollhouse.cli.verify import run_audit
from tollhouse.demo.flights import departures
from tollhouse.demo.playback import play_months, set_up_tenant
from tollhouse.demo.run import client_of
from tollhouse.installation_state import InstallationState
from tollhouse.quiescence import wait_until_quiescent
from tollhouse.supervised_process import supervised
from tollhouse.supervisor import Stack


@pytest.mark.timeout(300)
async def test_a_month_is_billed_alike_over_apache_kafka(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker is only the transport: the same bills, and the same proof."""
    if reason := why_unavailable():
        pytest.skip(f"SKIPPED, NOT TESTED ON APACHE KAFKA: {reason}")
    bootstrap, program = local_apache_kafka(InstallationState(tmp_path / "kafka"))
    monkeypatch.setenv("TOLLHOUSE_KAFKA_BOOTSTRAP", bootstrap)
    monkeypatch.setenv("TOLLHOUSE_BROKER_IDEMPOTENCE", "true")
    async with (
        supervised([program]),
        Stack.start(tmp_path / "installation", fast=True) as stack,
        client_of(stack) as client,
    ):
        assert (stack.servers.broker, stack.servers.kafka_bootstrap) == ("external", bootstrap)
        assert stack.servers.broker_is_idempotent
        await set_up_tenant(client)
        await play_months(client, departures(), 1)
        await wait_until_quiescent(stack.urls, stack.credentials.service_token_file.read_text())
        assert await billed(client) == bills(1)
        assert (await run_audit(stack.addresses(), stack.credentials)).differences == []
