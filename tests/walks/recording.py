"""Traces of the three walks, recorded on a running installation."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from tests.e2e.small_business import JANUARY, open_business, use
from tollhouse.client import Client
from tollhouse.demo.playback import advance
from tollhouse.quiescence import wait_until_quiescent
from tollhouse.roles import SCOPES
from tollhouse.supervisor import Stack
from tollhouse.topology import SERVICES

Calls = Mapping[str, Sequence[str]]
"""Per process, `path qualified.name` of each product function in order of entry."""

LOOKS_MAX = 500


@dataclass(frozen=True, slots=True)
class Recorder:
    """An installation whose services record their calls."""

    stack: Stack
    client: Client

    async def settle(self) -> None:
        """Wait until nothing is left to do."""
        token = self.stack.credentials.service_token_file.read_text()
        await wait_until_quiescent(self.stack.urls, token)

    async def record(self, work: Callable[[], Awaitable[object]]) -> Calls:
        """The calls of every process while the work is done and all that follows from it."""
        self._signal(signal.SIGUSR1)
        for name in self.stack.urls:
            await self._taken(name, "recording")
        await work()
        await self.settle()
        self._signal(signal.SIGUSR2)
        return {name: (await self._taken(name, "calls")).splitlines() for name in self.stack.urls}

    def _signal(self, number: signal.Signals) -> None:
        for name in self.stack.urls:
            pid = self.stack.pids[name]
            assert pid is not None
            os.kill(pid, number)

    async def _taken(self, name: str, suffix: str) -> str:
        """The text of a file that the process writes when it has handled a signal; the file is removed."""
        file = self.stack.folder / "traces" / f"{name}.{suffix}"
        for _ in range(LOOKS_MAX):
            if file.exists():
                text = file.read_text()
                file.unlink()
                return text
            await asyncio.sleep(0.01)
        raise TimeoutError(file)


@asynccontextmanager
async def recorder(folder: Path) -> AsyncIterator[Recorder]:
    """A small business on an installation of its own, with everything before the walks done."""
    traced = [replace(service, module="tests.walks.traced") for service in SERVICES]
    env = {"TOLLHOUSE_GATEWAY_TIME_LIMIT_S": "0.05"}
    async with Stack.start(folder, services=traced, fast=True, env=env) as stack:
        token = stack.credentials.token(tenant="walks", role="billing_admin", scopes=SCOPES["billing_admin"])
        async with Client(dict(stack.urls), token) as client:
            yield Recorder(stack, client)


async def record_walks(folder: Path) -> Mapping[str, Calls]:
    """The traces by name of the walk, and `idle`: what loops call while there is nothing to do."""
    async with recorder(folder) as recording:
        client = recording.client
        customer_id = await open_business(client, token="tok_timeout_before-ok")
        draft = {
            "customer_id": customer_id,
            "lines": [{"description": "Set-up", "quantity": "1", "unit_price": "10.00"}],
        }
        invoice = await client.command("invoicing", "/v1/invoices", draft, key="draft")
        await recording.settle()
        idle = await recording.record(recording.settle)

        async def usage_event() -> None:
            await use(client, 1, JANUARY)
            await recording.settle()
            await client.graphql("{ usage(first: 1) { edges { node { value } } } }")

        async def subscribe() -> None:
            body = {"customer_id": customer_id, "plan_key": "standard", "subject": "second"}
            await client.command("subscriptions", "/v1/subscriptions", body, key="second")

        async def payment_timeout() -> None:
            path = f"/v1/invoices/{invoice['invoice_id']}/finalize"
            await client.command("invoicing", path, {}, key="finalize")
            await recording.settle()
            await advance(client, JANUARY + timedelta(minutes=6))

        return {
            "idle": idle,
            "usage event": await recording.record(usage_event),
            "subscribe": await recording.record(subscribe),
            "payment time-out": await recording.record(payment_timeout),
        }
