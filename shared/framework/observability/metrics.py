"""Prometheus metrics of a process, in base units. No label is a tenant or an id.

A gauge that says how things are in a database or at a server is set when /metrics is asked for
(process/scraped_gauges.py), in every process, and is NaN while that cannot be found out.
"""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from shared.framework.observability import names as n

# Would add a series for each label set, which no dashboard uses.
disable_created_metrics()  # type: ignore[no-untyped-call]

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)  # process_*: memory, CPU time, open and possible file descriptors
METRICS_MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def _counter(name: str, help_text: str, *labels: str) -> Counter:
    return Counter(name.removesuffix("_total"), help_text, labels, registry=REGISTRY)


def _gauge(name: str, help_text: str, *labels: str) -> Gauge:
    return Gauge(name, help_text, labels, registry=REGISTRY)


def _histogram(name: str, help_text: str, *labels: str) -> Histogram:
    return Histogram(name, help_text, labels, registry=REGISTRY, buckets=_SECONDS)


HTTP_REQUESTS = _counter(n.HTTP_REQUESTS, "Requests answered", n.LABEL_METHOD, n.LABEL_ROUTE, n.LABEL_STATUS)
HTTP_SECONDS = _histogram(n.HTTP_SECONDS, "Time to answer a request", n.LABEL_METHOD, n.LABEL_ROUTE)
COMMANDS = _counter(
    n.COMMANDS, "Commands by outcome: done, replayed, refused (by a rule), failed", n.LABEL_OUTCOME
)
EVENTS_APPENDED = _counter(
    n.EVENTS_APPENDED,
    "Events appended to this context's event store, by wire name",
    n.LABEL_CONTEXT,
    n.LABEL_EVENT,
)
RELAY_POSITION = _gauge(n.RELAY_POSITION, "Last position published by the relay", n.LABEL_CONTEXT)
RELAY_LAG = _gauge(n.RELAY_LAG, "Positions committed and not published yet", n.LABEL_CONTEXT)
RELAY_FAILURES = _counter(
    n.RELAY_FAILURES,
    "Failed attempts to publish, of whatever cause; each drops the producer",
    n.LABEL_CONTEXT,
)
CONSUMER_POSITION = _gauge(n.CONSUMER_POSITION, "Last position processed", n.LABEL_TOPIC, n.LABEL_PARTITION)
CONSUMER_LAG = _gauge(n.CONSUMER_LAG, "Positions behind the feed's head", n.LABEL_TOPIC, n.LABEL_PARTITION)
CONSUMER_FAILURES = _counter(
    n.CONSUMER_FAILURES, "Failed attempts to read, by source: broker or feed", n.LABEL_SOURCE
)
CONSUMER_AHEAD = _gauge(
    n.CONSUMER_AHEAD,
    "Positions beyond the feed's head: the upstream context has lost history",
    n.LABEL_TOPIC,
    n.LABEL_PARTITION,
)
CONSUMED = _counter(n.CONSUMED, "Records processed", n.LABEL_TOPIC)
GAPS_FILLED = _counter(n.GAPS_FILLED, "Gaps in a partition filled from a feed", n.LABEL_TOPIC)
DEAD_LETTERS = _gauge(
    n.DEAD_LETTERS,
    "Records that could not be processed, and later records of the same streams",
    n.LABEL_CONSUMER,
)
DEAD_LETTER_OLDEST_SECONDS = _gauge(
    n.DEAD_LETTER_OLDEST_SECONDS, "Age of the oldest dead letter (0: there is none)", n.LABEL_CONSUMER
)
EVENT_LOOP_LAG = Histogram(
    n.EVENT_LOOP_LAG,
    "How late the event loop runs what is due: how long other work has held it",
    registry=REGISTRY,
    buckets=_SECONDS,
)
TIMERS_DUE = _gauge(n.TIMERS_DUE, "Timers that are due and not handled")
TIMER_OLDEST_DUE_SECONDS = _gauge(
    n.TIMER_OLDEST_DUE_SECONDS, "Time since the oldest timer of the system's clock is due (0: none is)"
)
TIMERS_FIRED = _counter(
    n.TIMERS_FIRED, "Timers handled by outcome: done or failed", n.LABEL_PURPOSE, n.LABEL_OUTCOME
)
USAGE_EVENTS = _counter(
    n.USAGE_EVENTS, "Usage events by outcome: accepted, duplicate, conflict, rejected", n.LABEL_OUTCOME
)
GATEWAY_CALLS = _counter(n.GATEWAY_CALLS, "Calls to payment gateways", n.LABEL_GATEWAY, n.LABEL_OUTCOME)
GATEWAY_SECONDS = _histogram(
    n.GATEWAY_SECONDS,
    "Time until a payment gateway answered or was given up: capture, lookup or refund",
    n.LABEL_GATEWAY,
    n.LABEL_CALL,
)
PAYMENTS_UNKNOWN = _gauge(n.PAYMENTS_UNKNOWN, "Payments with an unknown outcome that will be looked up later")
READY = _gauge(n.READY, "Whether /health/ready would answer 200 (1) or 503 (0)")
SERVER_REACHABLE = _gauge(
    n.SERVER_REACHABLE,
    "Whether postgres, broker or redis answers this process (1) or not (0)",
    n.LABEL_SERVER,
)
LEADER = _gauge(n.LEADER, "Whether this process holds a lease (1) or waits for it (0)", n.LABEL_LEASE)
CLAIMS_IN_FLIGHT = _gauge(n.CLAIMS_IN_FLIGHT, "Idempotency keys claimed by this process and not answered")
CLAIM_OLDEST_SECONDS = _gauge(
    n.CLAIM_OLDEST_SECONDS, "Age of this process's oldest claim that is not answered (0: there is none)"
)
POOL_WAIT_SECONDS = _histogram(n.POOL_WAIT_SECONDS, "Time until a connection of the database pool was free")
POOL_TIMEOUTS = _counter(n.POOL_TIMEOUTS, "Connections of the database pool that did not become free in time")
POOL_CONNECTIONS = _gauge(
    n.POOL_CONNECTIONS, "Connections of the database pool: idle, used, or not opened", n.LABEL_STATE
)
DATABASE_BYTES = _gauge(n.DATABASE_BYTES, "Size of this context's database on the server's disk")
DISK_FREE_BYTES = _gauge(n.DISK_FREE_BYTES, "Free space of the disk of TOLLHOUSE_DATA_FOLDER")
DISK_SIZE_BYTES = _gauge(n.DISK_SIZE_BYTES, "Size of the disk of TOLLHOUSE_DATA_FOLDER")

API_KEYS_UNREADABLE = _gauge(
    n.API_KEYS_UNREADABLE, "Entries of the API keys file that cannot be used; 1 if it cannot be read at all"
)
JWKS_KEYS_UNREADABLE = _gauge(
    n.JWKS_KEYS_UNREADABLE, "Entries of the JWKS file that cannot be used; 1 if it cannot be read at all"
)


def metrics_page() -> bytes:
    """All metrics in the text format of Prometheus."""
    return generate_latest(REGISTRY)
