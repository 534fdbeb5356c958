"""What runs beside HTTP in a process: relay, consumer, timers, and the service's own loops."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from shared.framework.leadership.port import Leadership
from shared.framework.messaging.consumer import Consumer
from shared.framework.messaging.port import Broker
from shared.framework.messaging.relay import Relay, RelayCursor
from shared.framework.process.idempotency_cleanup import IdempotencyKeyCleanup
from shared.framework.process.instrumented_store import InstrumentedEventStore
from shared.framework.process.service_definition import (
    ServiceDefinition,
    ServiceDependencies,
    SettingsT,
    Task,
)
from shared.framework.timers.loop import TimerLoop


@dataclass(frozen=True, slots=True)
class BackgroundTasks:
    """The parts of one process that never end; none of them for a service that has no use for it."""

    relay: Relay | None
    consumer: Consumer | None
    timers: TimerLoop | None
    forgetting: IdempotencyKeyCleanup

    def tasks(self, service: ServiceDefinition) -> Mapping[str, Task]:
        """All of them by name."""
        parts = {
            "relay": self.relay,
            "consumer": self.consumer,
            "timers": self.timers,
            "forgetting": self.forgetting,
        }
        return {name: part.run for name, part in parts.items() if part is not None} | dict(service.tasks)


def background_tasks(
    service: ServiceDefinition,
    tools: ServiceDependencies[SettingsT],
    store: InstrumentedEventStore,
    *,
    broker: Broker,
    cursor: RelayCursor,
    leadership: Leadership,
) -> BackgroundTasks:
    """The loops that this service needs; local commits wake its relay and its timers."""
    sleeper, partitions = tools.sleeper, tools.settings.broker_partitions
    kept_for = timedelta(days=tools.settings.idempotency_retention_days)
    relay = Relay(tools.store, broker, cursor, leadership, sleeper, partitions)
    timers = TimerLoop(tools.store, service.timers, tools.clock, leadership, sleeper)
    store.wakes.extend([relay.wake, timers.wake])
    return BackgroundTasks(
        relay=relay if tools.context in store.contracts.topics else None,
        consumer=_consumer(service, tools, broker, leadership),
        timers=timers if service.timers else None,
        forgetting=IdempotencyKeyCleanup(tools.store, tools.clock, sleeper, kept_for),
    )


def _consumer(
    service: ServiceDefinition,
    tools: ServiceDependencies[SettingsT],
    broker: Broker,
    leadership: Leadership,
) -> Consumer | None:
    if service.handler is None:
        return None
    return Consumer(
        name=service.consumer or tools.context,
        subscribes_to=service.subscribes_to,
        handler=service.handler,
        store=tools.store,
        broker=broker,
        feeds=tools.feeds,
        leadership=leadership,
        sleeper=tools.sleeper,
        partitions=tools.settings.broker_partitions,
        batch=service.batch,
        sweep_interval_s=tools.settings.sweep_interval_s,
        term=service.term,
    )
