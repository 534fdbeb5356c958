"""Usage and commands at a fixed rate until its input closes; a process of its own, as clients are.

`python -m tests.bench.steady_load <usage requests per s> <commands per s> <seconds>`, with the URLs of the
services as JSON in URLS and a token in TOKEN. Failed calls are counted, not repeated: services are killed.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx2

EVENTS_PER_REQUEST = 100
IN_FLIGHT_MAX = 16
SUBJECTS = 200

Call = Callable[[httpx2.AsyncClient], Awaitable[object]]


async def send_usage(http: httpx2.AsyncClient) -> None:
    """One request of EVENTS_PER_REQUEST events."""
    at = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    events = [
        {
            "specversion": "1.0",
            "id": str(uuid4()),
            "source": "bench",
            "type": "api.call",
            "subject": f"customer-{number % SUBJECTS}",
            "time": at,
            "data": {"value": number},
        }
        for number in range(EVENTS_PER_REQUEST)
    ]
    headers = {"content-type": "application/cloudevents-batch+json"}
    url = f"{json.loads(os.environ['URLS'])['ingest']}/v1/events"
    answer = await http.post(url, content=json.dumps(events).encode(), headers=headers)
    answer.raise_for_status()


async def register_customer(http: httpx2.AsyncClient) -> None:
    """One command, which projections, invoicing and payments hear of."""
    key = str(uuid4())
    body = {"external_id": key, "currency": "EUR", "time_zone": "Europe/Berlin"}
    url = f"{json.loads(os.environ['URLS'])['subscriptions']}/v1/customers"
    (await http.post(url, json=body, headers={"idempotency-key": key})).raise_for_status()


async def at_rate(http: httpx2.AsyncClient, per_s: float, call: Call, until: float) -> dict[str, int]:
    """Start `per_s` calls a second, at most IN_FLIGHT_MAX at once; what is late is left out."""
    counts = {"done": 0, "failed": 0}
    running: set[asyncio.Task[None]] = set()

    async def one() -> None:
        try:
            await call(http)
            counts["done"] += 1
        except httpx2.HTTPError:
            counts["failed"] += 1

    next_at = time.monotonic()
    while next_at < until:
        next_at += 1 / per_s
        await asyncio.sleep(max(0.0, next_at - time.monotonic()))
        if len(running) < IN_FLIGHT_MAX:
            task = asyncio.create_task(one())
            running.add(task)
            task.add_done_callback(running.discard)
    await asyncio.gather(*running)
    return counts


async def main(usage_per_s: float, commands_per_s: float, seconds: float) -> None:
    until = time.monotonic() + seconds
    headers = {"authorization": f"Bearer {os.environ['TOKEN']}"}
    async with httpx2.AsyncClient(headers=headers, timeout=10.0) as http:
        usage, commands = await asyncio.gather(
            at_rate(http, usage_per_s, send_usage, until),
            at_rate(http, commands_per_s, register_customer, until),
        )
    print(json.dumps({"usage": usage, "commands": commands}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*map(float, sys.argv[1:4])))
