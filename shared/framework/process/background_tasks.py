"""The background tasks of a process: relay, consumer, timers, cleanup, and those of the service."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from shared.framework.messaging.consumer import Consumer
from shared.framework.messaging.port import Broker
from shared.framework.messaging.relay import Relay, RelayCursor
from shared.framework.process.event_loop_lag import EventLoopLag
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
    """The background tasks of a process, None for what the service does not need; and their broker."""

    broker: Broker
    relay: Relay | None
    consumer: Consumer | None
    timers: TimerLoop | None
    cleanup: IdempotencyKeyCleanup
    lag: EventLoopLag

    def tasks(self, service: ServiceDefinition) -> Mapping[str, Task]:
        """All tasks by name, with those of the service."""
        parts = {
            "relay": self.relay,
            "consumer": self.consumer,
            "timers": self.timers,
            "idempotency_cleanup": self.cleanup,
            "event_loop_lag": self.lag,
        }
        return {name: part.run for name, part in parts.items() if part is not None} | dict(service.tasks)


def background_tasks(
    service: ServiceDefinition,
    deps: ServiceDependencies[SettingsT],
    store: InstrumentedEventStore,
    *,
    broker: Broker,
    cursor: RelayCursor,
) -> BackgroundTasks:
    """The background tasks of this service; commits of this process wake its relay and its timers."""
    sleeper, partitions, leadership = deps.sleeper, deps.settings.broker_partitions, deps.leadership
    retention = timedelta(days=deps.settings.idempotency_retention_days)
    relay = Relay(deps.store, broker, cursor, leadership, sleeper, partitions)
    timers = TimerLoop(deps.store, service.timers, deps.clock, leadership, sleeper)
    store.signals.wakes.extend([relay.wake, timers.wake])
    return BackgroundTasks(
        broker=broker,
        relay=relay if deps.context in store.contracts.topics else None,
        consumer=_consumer(service, deps, broker),
        timers=timers if service.timers else None,
        cleanup=IdempotencyKeyCleanup(deps.store, deps.clock, sleeper, retention),
        lag=EventLoopLag(sleeper),
    )


def _consumer(
    service: ServiceDefinition,
    deps: ServiceDependencies[SettingsT],
    broker: Broker,
) -> Consumer | None:
    if service.handler is None:
        return None
    return Consumer(
        name=service.consumer or deps.context,
        subscribes_to=service.subscribes_to,
        handler=service.handler,
        store=deps.store,
        broker=broker,
        feeds=deps.feeds,
        leadership=deps.leadership,
        sleeper=deps.sleeper,
        partitions=deps.settings.broker_partitions,
        batch=service.batch,
        sweep_interval_s=deps.settings.sweep_interval_s,
        term=service.term,
    )
