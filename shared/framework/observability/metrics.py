"""Prometheus metrics of a process, in base units. No label is a tenant or an id."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from shared.framework.observability import names as n

# Would add a series for each label set, which no dashboard uses.
disable_created_metrics()  # type: ignore[no-untyped-call]

REGISTRY = CollectorRegistry()
METRICS_MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def _counter(name: str, help_text: str, *labels: str) -> Counter:
    return Counter(name.removesuffix("_total"), help_text, labels, registry=REGISTRY)


def _gauge(name: str, help_text: str, *labels: str) -> Gauge:
    return Gauge(name, help_text, labels, registry=REGISTRY)


HTTP_REQUESTS = _counter(n.HTTP_REQUESTS, "Requests answered", n.LABEL_METHOD, n.LABEL_ROUTE, n.LABEL_STATUS)
HTTP_SECONDS = Histogram(
    n.HTTP_SECONDS,
    "Time to answer a request",
    (n.LABEL_METHOD, n.LABEL_ROUTE),
    registry=REGISTRY,
    buckets=_SECONDS,
)
COMMANDS = _counter(
    n.COMMANDS, "Commands by outcome: done, replayed, refused (by a rule), failed", n.LABEL_OUTCOME
)
EVENTS_APPENDED = _counter(
    n.EVENTS_APPENDED, "Events appended to this context's event store", n.LABEL_CONTEXT
)
RELAY_POSITION = _gauge(n.RELAY_POSITION, "Last position published by the relay", n.LABEL_CONTEXT)
RELAY_LAG = _gauge(n.RELAY_LAG, "Settled positions not published yet", n.LABEL_CONTEXT)
RELAY_FAILURES = _counter(n.RELAY_FAILURES, "Failed sends; each drops the producer", n.LABEL_CONTEXT)
CONSUMER_POSITION = _gauge(n.CONSUMER_POSITION, "Last position processed", n.LABEL_TOPIC, n.LABEL_PARTITION)
CONSUMER_LAG = _gauge(n.CONSUMER_LAG, "Positions behind the feed's head", n.LABEL_TOPIC, n.LABEL_PARTITION)
CONSUMED = _counter(n.CONSUMED, "Records processed", n.LABEL_TOPIC)
GAPS_FILLED = _counter(n.GAPS_FILLED, "Gaps in a partition filled from a feed", n.LABEL_TOPIC)
DEAD_LETTERS = _gauge(
    n.DEAD_LETTERS,
    "Records that could not be processed, and later records of the same streams",
    n.LABEL_CONSUMER,
)
TIMERS_DUE = _gauge(n.TIMERS_DUE, "Timers that are due and not handled")
TIMERS_FIRED = _counter(
    n.TIMERS_FIRED, "Timers handled by outcome: done or failed", n.LABEL_PURPOSE, n.LABEL_OUTCOME
)
USAGE_EVENTS = _counter(
    n.USAGE_EVENTS, "Usage events by outcome: accepted, duplicate, conflict, rejected", n.LABEL_OUTCOME
)
GATEWAY_CALLS = _counter(n.GATEWAY_CALLS, "Calls to payment gateways", n.LABEL_GATEWAY, n.LABEL_OUTCOME)

API_KEYS_UNREADABLE = _gauge(
    n.API_KEYS_UNREADABLE, "Entries of the API keys file that cannot be used; 1 if it cannot be read at all"
)
JWKS_KEYS_UNREADABLE = _gauge(
    n.JWKS_KEYS_UNREADABLE, "Entries of the JWKS file that cannot be used; 1 if it cannot be read at all"
)


def metrics_page() -> bytes:
    """All metrics in the text format of Prometheus."""
    return generate_latest(REGISTRY)
