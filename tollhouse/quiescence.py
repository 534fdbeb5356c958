"""Waits until every process of an installation has processed everything, by comparing positions."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx2
import msgspec

from shared.billing.contracts import TOPICS


class NotQuiescent(Exception):
    """There was still work to do after the time-out; the message lists it."""


class ServiceProgress(msgspec.Struct):
    """The answer of a process to GET /progress: positions of its own and processed ones, unfinished work."""

    context: str
    heads: dict[str, int]
    inbox: dict[str, dict[str, int]]
    due_timers: int
    pending_work: int
    advancing_clocks: int = 0


async def progress(urls: Mapping[str, str], token: str) -> list[ServiceProgress]:
    """The progress of every process. Raises httpx2.HTTPError if one does not answer."""
    headers = {"authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(timeout=5.0, headers=headers) as http:
        answers = await asyncio.gather(*(http.get(f"{url}/progress") for url in urls.values()))
    return [
        msgspec.json.decode(answer.raise_for_status().content, type=ServiceProgress) for answer in answers
    ]


def unfinished(reports: list[ServiceProgress]) -> list[str]:
    """Descriptions of the work that is still to be done; empty if there is none."""
    heads = {TOPICS[report.context]: report.heads for report in reports if report.context in TOPICS}
    behind = [
        f"{report.context} is at {positions.get(partition, 0)} of {head} in {topic}/{partition}"
        for report in reports
        for topic, positions in report.inbox.items()
        for partition, head in heads[topic].items()
        if positions.get(partition, 0) < head
    ]
    due = [f"{report.context} has {report.due_timers} timers due" for report in reports if report.due_timers]
    busy = [
        f"{report.context} has {report.pending_work} items of pending work"
        for report in reports
        if report.pending_work
    ]
    advancing = [
        f"{report.context} has {report.advancing_clocks} test clocks that advance"
        for report in reports
        if report.advancing_clocks
    ]
    return behind + due + busy + advancing


async def wait_until_quiescent(
    urls: Mapping[str, str], token: str, *, timeout_s: float = 120.0, poll_s: float = 0.05
) -> dict[str, Any]:
    """Return the positions once two polls in a row find the same ones and no work.

    A process that does not answer only makes it wait. Raises NotQuiescent after `timeout_s`.
    """
    before: dict[str, Any] | None = None
    remaining: list[str] = []
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                try:
                    reports = await progress(urls, token)
                except (httpx2.HTTPError, msgspec.MsgspecError) as error:
                    before, remaining = None, [f"a process does not answer: {error!r}"]
                else:
                    remaining = unfinished(reports)
                    heads = {report.context: report.heads for report in reports}
                    if not remaining and heads == before:
                        return heads
                    before = None if remaining else heads
                await asyncio.sleep(poll_s)
    except TimeoutError:
        raise NotQuiescent("; ".join(remaining) or "positions kept moving") from None
