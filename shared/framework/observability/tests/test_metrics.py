import re

from prometheus_client.parser import text_string_to_metric_families

from shared.framework.observability import metrics, names

NAMES = {
    value
    for name, value in vars(names).items()
    if isinstance(value, str) and value.startswith("tollhouse_") and name.isupper()
}
LABELS = {value for name, value in vars(names).items() if name.startswith("LABEL_")}


def families() -> set[str]:
    page = metrics.metrics_page().decode()
    names_shown = [family.name for family in text_string_to_metric_families(page)]
    return {re.sub(r"_total$", "", name) for name in names_shown if not name.startswith("process_")}


def test_every_name_is_a_metric_and_every_metric_has_its_name_here() -> None:
    """Dashboards are written against names.py; `process_*` is named by Prometheus' own library."""
    assert families() == {name.removesuffix("_total") for name in NAMES}


def test_names_end_with_what_they_count_and_labels_are_few() -> None:
    """Prometheus' conventions; no label could hold a tenant, a customer or an id."""
    counted = ("_total", "_seconds", "_position", "_positions", "_records", "_due", "_bytes", "_unreadable")
    states = {names.READY, names.LEADER, names.SERVER_REACHABLE, names.PAYMENTS_UNKNOWN}
    states |= {names.CLAIMS_IN_FLIGHT, names.POOL_CONNECTIONS}
    assert [name for name in NAMES if not name.endswith(counted) and name not in states] == []
    assert LABELS <= {
        *("method", "route", "status", "outcome", "context"),
        *("topic", "partition", "consumer", "purpose", "gateway"),
        *("call", "event", "server", "lease", "source", "state"),
    }
