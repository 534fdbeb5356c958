"""The services of the world: what each main.py composes, with memory instead of Postgres."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from fastapi import APIRouter
from prometheus_client import Counter, Gauge, Histogram
from pydantic import SecretStr
from starlette.types import ASGIApp

from projections.engine.memory import MemoryEventArchive, MemoryFreshness, MemoryRowStore
from projections.engine.projector import Projector
from projections.register import READ_MODELS
from services.ingest.settings import IngestSettings
from services.metering.settings import MeteringSettings
from services.payments.gateways.sandbox.gateway import SandboxGateway
from services.payments.settings import PaymentsSettings
from shared.billing.contracts import CONTEXTS, CONTRACTS
from shared.framework.core.clock import Clock
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.http.app import create_app
from shared.framework.http.authorization import Credential, Role
from shared.framework.leadership.port import LeadershipTerm
from shared.framework.messaging import consumer, inbox, relay, tenant_progress
from shared.framework.observability import metrics
from shared.framework.process import resumption
from shared.framework.process.service_definition import ServiceDefinition, ServiceDependencies
from shared.framework.process.settings import ServiceSettings
from shared.framework.retry.backoff import Backoff
from shared.framework.testing.fakes import FakeAuthenticator, FakeClock
from shared.framework.timers import loop as timer_loop
from shared.framework.timers import ready_clock
from tests.simulation.databases import done_write

if TYPE_CHECKING:
    from tests.simulation.process import Process

CURRENT: ContextVar["Process | None"] = ContextVar("process", default=None)
"""The process to which the running callback belongs."""

MAINS = {context: import_module(f"services.{context}.main") for context in CONTEXTS}


def _memory_adapters(module: ModuleType) -> dict[str, Any]:
    """What stands in the place of each `Postgres...` of a main.py: `Memory...` in the `memory.py` beside it.

    It takes the event store where the other takes a pool.
    """
    adapters = {name: value for name, value in vars(module).items() if name.startswith("Postgres")}
    beside = {
        name: import_module(value.__module__.replace(".postgres", ".memory"))
        for name, value in adapters.items()
    }
    return {name: getattr(memory, name.replace("Postgres", "Memory")) for name, memory in beside.items()}


MEMORY = {context: _memory_adapters(module) for context, module in MAINS.items()}

SETTINGS: dict[str, type[ServiceSettings]] = {
    "ingest": IngestSettings,
    "metering": MeteringSettings,
    "payments": PaymentsSettings,
}
SCOPES = frozenset(
    "customers:write plans:write subscriptions:write clocks:write invoices:write tax:write payments:write"
    " usage:write usage:read meters:write meters:read".split()
)
TENANTS = ("acme", "bolt", "crux")
GATEWAY_IS_LATE_BY = timedelta(seconds=20)


@cache
def settings_of(context: str, partitions: int) -> Any:
    """Settings of a service; the addresses in them lead nowhere."""
    nowhere = Path("/nonexistent")
    return SETTINGS.get(context, ServiceSettings)(
        database_url=SecretStr("postgresql://nowhere"),
        kafka_bootstrap="nowhere:1",
        broker_partitions=partitions,
        http_port=1,
        jwks_file=nowhere,
        api_keys_file=nowhere,
        service_token_file=nowhere,
        sweep_interval_s=1.0,
    )


@asynccontextmanager
async def _sandbox(clock: Clock, _: float) -> AsyncIterator[SandboxGateway]:
    """The sandbox gateway on the ledger of the process that opens it."""
    process = CURRENT.get()
    assert process is not None
    yield SandboxGateway(process.ledger, clock, GATEWAY_IS_LATE_BY)


class _Unmeasured:
    """Stands for a metric: nobody looks at those of a simulated process."""

    def labels(self, *_: str) -> "_Unmeasured":
        return self

    def inc(self, _: float = 1) -> None:
        return None

    set = observe = inc

    def time(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()


MEASURED = {
    name: metric for name, metric in vars(metrics).items() if isinstance(metric, Counter | Gauge | Histogram)
}
POLLS = {
    (consumer, "POLL_WAIT_S"): 1.0,
    (relay, "POLLS"): Backoff(0.1, 1.0),
    (timer_loop, "POLL_INTERVAL_S"): 1.0,
    (inbox, "RELOAD_INTERVAL_S"): 1.0,
    (tenant_progress, "RELOAD_INTERVAL_S"): 1.0,
    (ready_clock, "RELOAD_INTERVAL_S"): 1.0,
}
"""How often processes look for what nothing wakes them for: seldom, or a life consists of looking."""


@contextlib.contextmanager
def in_memory() -> Iterator[None]:
    """Let every main.py compose with memory stores and our sandbox, for the length of the block."""
    with ExitStack() as stack:
        unmeasured: dict[str, Any] = dict.fromkeys(MEASURED, _Unmeasured())
        stack.enter_context(patch.multiple(metrics, **unmeasured))
        for (module, name), value in POLLS.items():
            stack.enter_context(patch.object(module, name, value))
        for context, adapters in MEMORY.items():
            for name, adapter in adapters.items():
                stack.enter_context(patch.object(MAINS[context], name, adapter))
        stack.enter_context(patch.object(MAINS["payments"], "GATEWAYS", {"sandbox": _sandbox}))
        stack.enter_context(patch.object(resumption, "_done_write", done_write))
        stack.enter_context(patch.object(APIRouter, "add_api_route", _add_api_route))
        yield


_ADD_API_ROUTE = APIRouter.add_api_route


def _add_api_route(router: APIRouter, *arguments: Any, **options: Any) -> None:
    """Add a route, but to no router of a process: requests are served by the one application of a context.

    It depends on who builds: builds of several processes take turns, and one may be cut off by a crash.
    """
    if isinstance(CURRENT.get(), _NoProcess):
        _ADD_API_ROUTE(router, *arguments, **options)


async def build(context: str, tools: ServiceDependencies[Any]) -> ServiceDefinition:
    """What the context's main.py builds."""
    if context == "projections":
        return _projections(tools)
    return await MAINS[context].build(tools)  # type: ignore[no-any-return]


def _projections(tools: ServiceDependencies[Any]) -> ServiceDefinition:
    store: Any = tools.store
    freshness = MemoryFreshness(store, "projections")
    projector = Projector(
        READ_MODELS,
        MemoryRowStore(store),
        MemoryEventArchive(store),
        freshness,
        tools.settings.broker_partitions,
    )
    return ServiceDefinition(subscribes_to=CONTEXTS, handler=projector, batch=1000, term=LeadershipTerm())


class _Current:
    """An attribute of the process that handles the present request."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        process = CURRENT.get()
        assert process is not None, f"{self._name}.{attribute} outside of a process"
        return getattr(getattr(process, self._name), attribute)


@dataclass(frozen=True, slots=True)
class _RawRoute:
    """The raw route of the process that handles the present request."""

    path: str

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        process = CURRENT.get()
        assert process is not None
        await process.service.raw_routes[self.path](scope, receive, send)


def credential(tenant: str) -> Credential:
    """May do everything for a tenant."""
    return Credential(f"{tenant}-agent", tenant, Role.BILLING_ADMIN, SCOPES)


@cache
def app_of(context: str, partitions: int) -> ASGIApp:
    """The HTTP application of a context, made once; a request is served by the process of its task."""
    current: dict[str, Any] = {
        name: _Current(name)
        for name in (
            "store",
            "clock",
            "ids",
            "sleeper",
            "feeds",
            "waiter",
            "clock_waiter",
            "progress",
            "leadership",
        )
    }
    authenticator = FakeAuthenticator({tenant: credential(tenant) for tenant in TENANTS})
    tools: ServiceDependencies[Any] = ServiceDependencies(
        context=context,
        settings=settings_of(context, partitions),
        pool=current["store"],
        store=current["store"],
        clock=current["clock"],
        ids=current["ids"],
        sleeper=current["sleeper"],
        feeds=current["feeds"],
        authenticator=authenticator,
        progress=current["progress"],
        leadership=current["leadership"],
    )
    with in_memory():
        service = _built(context, tools)
    return create_app(
        context,
        service.routers,
        store=current["store"],
        clock=current["clock"],
        ids=current["ids"],
        authenticator=authenticator,
        partitions=partitions,
        waiter=current["waiter"],
        clock_waiter=current["clock_waiter"],
        raw={path: _RawRoute(path) for path in service.raw_routes},
    )


class _NoProcess:
    """Stands for a process while a service is built for its routes alone."""

    ledger: Any = None

    def __init__(self, context: str) -> None:
        self.store = MemoryEventStore(context, FakeClock(), CONTRACTS)
        self.clock = FakeClock()


def _built(context: str, tools: ServiceDependencies[Any]) -> ServiceDefinition:
    token = CURRENT.set(_NoProcess(context))  # type: ignore[arg-type]
    try:
        build(context, tools).send(None)
    except StopIteration as built:
        return built.value  # type: ignore[no-any-return]
    finally:
        CURRENT.reset(token)
    raise RuntimeError(f"the build of {context} waits for something")
