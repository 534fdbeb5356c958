"""Feeds over HTTP, from the internal routes of each context (process/internal_routes.py)."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx2
import msgspec

from shared.framework.eventstore.records import FeedPage
from shared.framework.messaging.feed import FeedUnavailable
from shared.framework.messaging.tenant_progress import ProgressQuery, TenantProgress

TIMEOUT = httpx2.Timeout(10.0, connect=2.0)
CONNECTIONS_MAX = 64
"""Enough for the long requests of a dozen test clocks that advance at once, besides those of a consumer."""

T = TypeVar("T")

_page = msgspec.json.Decoder(FeedPage)
_progress = msgspec.json.Decoder(TenantProgress)
_heads = msgspec.json.Decoder(dict[int, int])


class HttpFeeds:
    """Client of the feeds; the token file is read for each request, so a renewed token needs no restart."""

    def __init__(
        self,
        urls: Mapping[str, str],
        token_file: Path,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        """`urls` by context; `transport` replaces the network in tests. Call `close` at the end."""
        self._urls = urls
        self._token_file = token_file
        limits = httpx2.Limits(max_connections=CONNECTIONS_MAX)
        self._http = httpx2.AsyncClient(
            timeout=TIMEOUT,
            limits=limits,
            trust_env=False,
            transport=transport,
            # Reading the root certificates takes a tenth of a start, and no feed may need them.
            verify=any(urlsplit(url).scheme == "https" for url in urls.values()),
        )

    async def page(self, context: str, partition: int, partitions: int, after: int, limit: int) -> FeedPage:
        query = {"partition": partition, "partitions": partitions, "after": after, "limit": limit}
        return await self._get(context, "/feed", query, _page)

    async def heads(self, context: str, partitions: int) -> dict[int, int]:
        return await self._get(context, "/feed/heads", {"partitions": partitions}, _heads)

    async def tenant_progress(self, context: str, query: ProgressQuery) -> TenantProgress:
        """See ProgressReader."""
        body = msgspec.json.encode(query)
        return await self._response(context, "POST", "/progress/tenant", _progress, content=body)

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def _get(
        self, context: str, path: str, query: Mapping[str, int], decoder: msgspec.json.Decoder[T]
    ) -> T:
        return await self._response(context, "GET", path, decoder, params=dict(query))

    async def _response(
        self, context: str, method: str, path: str, decoder: msgspec.json.Decoder[T], **request: Any
    ) -> T:
        if context not in self._urls:
            raise FeedUnavailable(f"no feed of {context} is known")
        try:
            response = await self._http.request(
                method, self._urls[context] + path, headers=await self._headers(), **request
            )
            return decoder.decode(response.raise_for_status().content)
        except (httpx2.HTTPError, msgspec.MsgspecError, OSError) as error:
            raise FeedUnavailable(f"{context}: {error!r}") from error

    async def _headers(self) -> dict[str, str]:
        token = await asyncio.to_thread(self._token_file.read_text)
        return {"authorization": f"Bearer {token.strip()}", "content-type": "application/json"}
