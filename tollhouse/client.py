"""Client of the public interface (REST commands, GraphQL queries), used by the command line and the demo."""

from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx2
import msgspec
from tenacity import AsyncRetrying, retry_if_exception, stop_after_delay, wait_random_exponential

TIMEOUT = httpx2.Timeout(30.0, connect=5.0)
CLOUDEVENTS_BATCH = "application/cloudevents-batch+json"


class CallFailed(Exception):
    """A service answered with an error: its status and its problem document (RFC 9457)."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        """Keep status and problem for the caller."""
        detail = problem.get("detail") or problem.get("title") or ""
        super().__init__(f"{status} {problem.get('code', '')}: {detail}")
        self.status = status
        self.problem = problem


@dataclass(slots=True)
class Client:
    """HTTP client with one tenant's token; `urls` maps each context to its base URL.

    Every call can be repeated without a second effect (idempotency keys, event ids), so calls to a service
    that is down or busy are retried for up to `timeout_s` seconds.

    `positions` holds the newest position of each partition that a service returned. Every later call of
    another service waits for them, so that a client reads what it has written.
    """

    urls: dict[str, str]
    token: str
    timeout_s: float = 60.0
    positions: dict[str, str] = field(default_factory=dict)
    http: httpx2.AsyncClient = field(default_factory=lambda: httpx2.AsyncClient(timeout=TIMEOUT))

    async def __aenter__(self) -> Self:
        """Open the HTTP client."""
        await self.http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the HTTP client."""
        await self.http.__aexit__(kind, error, trace)

    async def command(
        self, context: str, path: str, body: Any, *, key: str | None = None, method: str = "POST"
    ) -> dict[str, Any]:
        """Send a command; `key` is its Idempotency-Key. Returns the answer's JSON, or raises CallFailed."""
        headers = {"content-type": "application/json", **({"idempotency-key": key} if key else {})}
        return await self._call(context, method, path, msgspec.json.encode(body), headers)

    async def send_events(self, events: list[bytes]) -> dict[str, Any]:
        """Send 1..1000 encoded CloudEvents as one batch."""
        body = b"[" + b",".join(events) + b"]"
        return await self._call("ingest", "POST", "/v1/events", body, {"content-type": CLOUDEVENTS_BATCH})

    async def get(self, context: str, path: str, **params: str) -> dict[str, Any]:
        """Send a GET request to a service. Returns the answer's JSON, or raises CallFailed."""
        query = f"?{httpx2.QueryParams(params)}" if params else ""
        return await self._call(context, "GET", path + query, None, {})

    async def graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        """Run a GraphQL query. Returns its data; raises CallFailed if the answer contains errors."""
        body = msgspec.json.encode({"query": query, "variables": variables})
        headers = {"content-type": "application/json"}
        answer = await self._call("projections", "POST", "/graphql", body, headers)
        if answer.get("errors"):
            raise CallFailed(200, {"code": "graphql", "detail": str(answer["errors"])})
        data: dict[str, Any] = answer["data"]
        return data

    async def _call(
        self, context: str, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> dict[str, Any]:
        answer: dict[str, Any] = {}
        async for attempt in AsyncRetrying(
            retry=retry_if_exception(_is_transient),
            wait=wait_random_exponential(0.1, 2.0),
            stop=stop_after_delay(self.timeout_s),
            reraise=True,
        ):
            with attempt:
                answer = await self._request(context, method, path, body, headers)
        return answer

    async def _request(
        self, context: str, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> dict[str, Any]:
        headers = headers | {"authorization": f"Bearer {self.token}"}
        if elsewhere := [one for one in self.positions.values() if not one.startswith(f"{context}:")]:
            headers["tollhouse-wait-for"] = ", ".join(elsewhere)
        answer = await self.http.request(method, self.urls[context] + path, content=body, headers=headers)
        payload: dict[str, Any] = msgspec.json.decode(answer.content) if answer.content else {}
        if answer.status_code >= 400:
            raise CallFailed(answer.status_code, payload)
        for position in answer.headers.get("tollhouse-position", "").replace(" ", "").split(","):
            where, _, _ = position.rpartition(":")
            if where:
                self.positions[where] = position
        return payload


def _is_transient(error: BaseException) -> bool:
    # A process that is starting, a full queue, or the same command still in progress.
    if isinstance(error, CallFailed):
        return error.status >= 500 or error.problem.get("code") == "idempotency-key-in-flight"
    return isinstance(error, httpx2.TransportError)
