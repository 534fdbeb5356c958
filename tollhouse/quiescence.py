"""Waiting until the whole house has nothing left to do: by positions, never by time."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx2
import msgspec

from shared.billing.contracts import TOPICS


class NotQuiescent(Exception):
    """There was still work to do when the patience was used up; the argument says what."""


class ServiceProgress(msgspec.Struct):
    """What a process tells of itself at GET /progress."""

    context: str
    heads: dict[str, int]
    inbox: dict[str, dict[str, int]]
    due_timers: int
    pending_work: int


async def progress(urls: Mapping[str, str], token: str) -> list[ServiceProgress]:
    """Ask every process how far it has come; raises what httpx2 raises while one is away."""
    headers = {"authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(timeout=5.0, headers=headers) as http:
        answers = await asyncio.gather(*(http.get(f"{url}/progress") for url in urls.values()))
    return [
        msgspec.json.decode(answer.raise_for_status().content, type=ServiceProgress) for answer in answers
    ]


def unfinished(told: list[ServiceProgress]) -> list[str]:
    """What is still to be done, in words; nothing when the house is at rest."""
    heads = {TOPICS[one.context]: one.heads for one in told if one.context in TOPICS}
    behind = [
        f"{one.context} is at {one.inbox.get(topic, {}).get(partition, 0)} of {head} in {topic}/{partition}"
        for one in told
        for topic in one.inbox
        for partition, head in heads[topic].items()
        if one.inbox[topic].get(partition, 0) < head
    ]
    due = [f"{one.context} has {one.due_timers} timers due" for one in told if one.due_timers]
    busy = [f"{one.context} has {one.pending_work} items of pending work" for one in told if one.pending_work]
    return behind + due + busy


async def wait_until_quiescent(
    urls: Mapping[str, str], token: str, *, patience_s: float = 120.0, poll_s: float = 0.05
) -> dict[str, Any]:
    """Return once two looks in a row find the same heads and nothing to do; NotQuiescent after `patience_s`.

    A process that is away (killed, restarting) only makes it wait.
    """
    before: dict[str, Any] | None = None
    left: list[str] = []
    try:
        async with asyncio.timeout(patience_s):
            while True:
                try:
                    told = await progress(urls, token)
                except (httpx2.HTTPError, msgspec.MsgspecError) as error:
                    before, left = None, [f"a process is away: {error!r}"]
                else:
                    left = unfinished(told)
                    heads = {one.context: one.heads for one in told}
                    if not left and heads == before:
                        return heads
                    before = None if left else heads
                await asyncio.sleep(poll_s)
    except TimeoutError:
        raise NotQuiescent("; ".join(left) or "positions kept moving") from None
