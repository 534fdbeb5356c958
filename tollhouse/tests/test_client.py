"""The client of the public interface waits for what it has written."""

import httpx2

from tollhouse.client import Client


async def test_a_call_waits_for_the_newest_position_of_each_partition_of_other_services() -> None:
    """A command on two streams returns two positions; what a service itself has written needs no wait."""
    returned = iter(["subscriptions:1:6, subscriptions:2:5", "subscriptions:1:9", "metering:0:3", ""])
    waited: list[str | None] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        waited.append(request.headers.get("tollhouse-wait-for"))
        position = next(returned)
        return httpx2.Response(200, json={}, headers={"tollhouse-position": position} if position else {})

    urls = {name: f"http://{name}" for name in ("subscriptions", "metering")}
    http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    async with Client(urls, "token", http=http) as client:
        for context in ("subscriptions", "subscriptions", "metering", "metering"):
            await client.command(context, "/v1/things", {})
    assert waited == [None, None, *2 * ["subscriptions:1:9, subscriptions:2:5"]]
