"""Every service put together by its own composition root, without any server behind it."""

from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any, cast, get_args, get_type_hints
from unittest.mock import AsyncMock, patch

from fastapi import FastAPI
from pydantic import SecretStr

import projections.main
from projections.engine.postgres.build_tables import build_missing_tables
from services.payments.gateways import GATEWAYS
from shared.billing.contracts import CONTRACTS
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.http.app import create_app
from shared.framework.leadership.port import MemoryLeadership
from shared.framework.process.internal_routes import InternalRoutesContext, internal_routes
from shared.framework.process.service_definition import ServiceDefinition, ServiceDependencies
from shared.framework.process.system import EventLoopSleeper
from shared.framework.testing.fakes import FakeAuthenticator, FakeClock, SequentialIds
from tollhouse.topology import SERVICES

PARTITIONS = 4
NOWHERE = SecretStr("postgresql://nowhere.invalid/")


async def built_services() -> Mapping[str, ServiceDefinition]:
    """Each service by its context. No gateway is opened, and no table of a read model is made."""
    unopened = patch.object(projections.main, build_missing_tables.__name__, AsyncMock())
    with unopened, patch.dict(GATEWAYS, clear=True):
        return {one.name: await _built(one.name, import_module(one.module)) for one in SERVICES}


def applications(built: Mapping[str, ServiceDefinition]) -> Mapping[str, FastAPI]:
    """The HTTP application of each service, with the routes that every process has."""
    return {context: _application(context, service) for context, service in built.items()}


async def _built(context: str, main: ModuleType) -> ServiceDefinition:
    [argument, _] = get_type_hints(main.build).values()
    [settings] = get_args(argument)
    service: ServiceDefinition = await main.build(_tools(context, settings))
    return service


def _tools(context: str, settings: Any) -> ServiceDependencies[Any]:
    clock = FakeClock()
    return ServiceDependencies(
        context=context,
        settings=settings.model_construct(database_url=NOWHERE, kafka_bootstrap="", http_port=0),
        pool=cast(Any, None),
        store=MemoryEventStore(context, clock, CONTRACTS),
        clock=clock,
        ids=SequentialIds(),
        sleeper=EventLoopSleeper(),
        feeds=cast(Any, None),
        authenticator=FakeAuthenticator({}),
        progress=cast(Any, None),
        leadership=MemoryLeadership(),
    )


def _application(context: str, service: ServiceDefinition) -> FastAPI:
    clock = FakeClock()
    store = MemoryEventStore(context, clock, CONTRACTS)
    inside = InternalRoutesContext(
        store=store, clock=clock, partitions=PARTITIONS, consumer=None, pending_work=None
    )
    return create_app(
        context,
        [*service.routers, internal_routes(inside)],
        store=store,
        clock=clock,
        ids=SequentialIds(),
        authenticator=FakeAuthenticator({}),
        partitions=PARTITIONS,
    )
