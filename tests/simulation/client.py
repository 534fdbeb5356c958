"""A client of the services: requests without sockets, repeated under their key until they are answered."""

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.simulation.services import app_of

if TYPE_CHECKING:
    from tests.simulation.plan import Step
    from tests.simulation.process import Process
    from tests.simulation.world import World


@dataclass(frozen=True, slots=True)
class Answer:
    """A response; `status` 0: none came."""

    status: int
    body: Any = None
    headers: tuple[tuple[bytes, bytes], ...] = ()
    raw: bytes = b""

    @property
    def is_final(self) -> bool:
        """Whether sending the same request again is pointless."""
        return 200 <= self.status <= 500 and not (self.status == 409 and self.code in IN_FLIGHT)

    @property
    def is_ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def code(self) -> str:
        """The code of a refusal."""
        return str(self.body.get("code", "")) if isinstance(self.body, dict) else ""


IN_FLIGHT = {"idempotency-key-in-flight"}
NOT_KNOWN_YET = {"customer-unknown", "meter-unknown", "collection-unknown"}
NO_ANSWER = Answer(0)


@dataclass(frozen=True, slots=True)
class Request:
    """A request to a service for a tenant; `key`: its idempotency key."""

    context: str
    tenant: str
    method: str
    path: str
    body: Any = None
    key: str = ""


class Forgotten(Exception):
    """What a step refers to was lost by a restore."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a step keeps in memory of an answer of a context."""

    step: str
    context: str
    kind: str
    name: Any


class Client:
    """Sends requests of one step."""

    def __init__(self, world: "World", step: "Step") -> None:
        self.world = world
        self.step = step
        self.context = ""
        """To which the last request went."""

    def remember(self, kind: str, name: Any, what: Any) -> None:
        """Keep something that was acknowledged."""
        self.world.memory.setdefault(kind, {})[name] = what
        self.world.remembered.append(Remembered(self.step.name, self.context, kind, name))

    def recall(self, kind: str, name: Any) -> Any:
        """What was remembered. Raises Forgotten if a restore has lost it."""
        known = self.world.memory.get(kind, {})
        if name not in known and self.world.restores:
            raise Forgotten(f"{kind} {name}")
        return known[name]

    def streams(self, tenant: str, context: str, prefix: str) -> list[str]:
        """The ids of a tenant's streams of one kind, oldest first, as a list of them would show."""
        found = self.world.stores[context]._streams.items()
        return [name for name, records in found if name.startswith(prefix) and records[0].tenant_id == tenant]

    def moment(self, seconds: float) -> datetime:
        """The instant that is so many seconds after the beginning."""
        return self.world.beginning + timedelta(seconds=seconds)

    async def send_referring(self, request: Request) -> Answer:
        """As `send`, for a request that refers to something that was just made: it may not be known yet."""
        while True:
            answer = await self.send(request)
            if answer.code not in NOT_KNOWN_YET:
                return answer
            await asyncio.sleep(0.5)

    async def send(self, request: Request) -> Answer:
        """The final answer: the request is sent until there is one."""
        world, attempt, self.context = self.world, 0, request.context
        while True:
            answer = await self.send_once(request)
            if answer.code == "command-already-executed":
                world.is_put_back(self.step)
            if answer.is_final:
                if not (world.dice.happens(world.weather.answer_lost) and attempt < 3):
                    world.answered(request, answer, self.step)
                    return answer
                world.answered(request, answer, self.step)
                world.note(f"client: the answer to {request.method} {request.path} is lost")
            attempt += 1
            await asyncio.sleep(min(0.1 * 2**attempt, 5.0))

    async def send_once(self, request: Request) -> Answer:
        """The answer of one process; NO_ANSWER if none can be reached or it crashes meanwhile."""
        process = self.world.any_process(request.context)
        if process is None:
            return NO_ANSWER
        done: asyncio.Future[Answer] = self.world.loop.create_future()
        task = process.spawn(_served(process, request))

        def answer(served: "asyncio.Task[Answer]") -> None:
            if not done.done():
                done.set_result(_result(served))

        task.add_done_callback(answer)
        return await done


def _result(task: "asyncio.Task[Answer]") -> Answer:
    if task.cancelled() or task.exception() is not None:
        return NO_ANSWER
    return task.result()


async def _served(process: "Process", request: Request) -> Answer:
    body = b"" if request.body is None else json.dumps(request.body).encode()
    path, _, query = request.path.partition("?")
    content_type = (
        b"application/cloudevents-batch+json" if request.context == "ingest" else b"application/json"
    )
    headers = [
        (b"authorization", f"Bearer {request.tenant}".encode()),
        (b"content-type", content_type),
        (b"content-length", str(len(body)).encode()),
    ]
    if request.key:
        headers.append((b"idempotency-key", request.key.encode()))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": headers,
        "client": ("client", 1),
        "server": ("server", 80),
        "scheme": "http",
        "root_path": "",
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    app: Any = app_of(request.context, process.world.plan.partitions)
    await app(scope, receive, send)
    raw = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(sent[0]["status"], json.loads(raw) if raw else None, tuple(sent[0]["headers"]), raw)
