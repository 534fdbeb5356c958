"""One trace from the POST to the read model: POST -> append -> Kafka -> consumer -> projection."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Installation
from tests.e2e.small_business import JANUARY, open_business
from tollhouse.client import Client
from tollhouse.demo.playback import advance

LOOKS_MAX = 300


async def test_a_command_can_be_followed_through_every_process(
    installation: Installation, client: Client
) -> None:
    """The customer's registration is one trace in subscriptions, invoicing, payments and projections."""
    await open_business(client)
    await advance(client, JANUARY + timedelta(days=1))
    await installation.settled()
    registered = await _found(partial(_registrations, installation.folder))
    assert registered, "subscriptions has no span of the registration"
    for process in ("invoicing", "payments", "projections"):
        shared = await _found(partial(_shared, installation.folder, process, registered))
        assert shared, f"{process} has no span of the trace"


async def _found(look: Callable[[], set[str]]) -> set[str]:
    # Spans leave a process in batches, every few seconds: look until they are there, for a bounded time.
    for _ in range(LOOKS_MAX):
        if traces := look():
            return traces
        await asyncio.sleep(0.05)
    return set()


def _registrations(folder: Path) -> set[str]:
    spans = _spans(folder, "subscriptions")
    return {str(span["trace_id"]) for span in spans if "/v1/customers" in json.dumps(span)}


def _shared(folder: Path, process: str, traces: set[str]) -> set[str]:
    return {trace for span in _spans(folder, process) for trace in _joined(span)} & traces


def _spans(folder: Path, process: str) -> list[dict[str, Any]]:
    # Of all processes of a service: which of the readers projects is decided when they start.
    files = (folder / "traces").glob(f"{process}*.jsonl")
    lines = [line for file in files for line in file.read_text().splitlines()]
    return [json.loads(line) for line in lines if line.endswith("}")]


def _joined(span: dict[str, Any]) -> set[str]:
    return {str(span["trace_id"]), *(str(link["trace_id"]) for link in span.get("links", ()))}
