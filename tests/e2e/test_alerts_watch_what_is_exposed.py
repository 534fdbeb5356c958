"""Alerts ask for what a running installation exposes, and a healthy one raises none of the simple ones."""

import contextlib
import operator
import re
from collections import defaultdict
from collections.abc import Mapping

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from shared.framework.testing.messaging_harness import eventually
from tests.contract.alert_rules import Rule, base_name, rules
from tests.e2e.conftest import Installation
from tests.e2e.scraped import Samples, scrape

COMPARISONS = {"==": operator.eq, ">": operator.gt, "<": operator.lt}
SIMPLE = re.compile(
    r"(?:(?P<how>sum|max)(?: by \((?P<by>[a-z, ]+)\))? )?"
    r"\(?(?P<metric>tollhouse_[a-z_]+)(?:\{(?P<where>[^}]*)\})?\)?"
    r" (?P<compare>==|>|<) (?P<bound>\d+)"
)


async def families(url: str) -> set[str]:
    """The metrics that a process exposes, also those that have no sample yet."""
    async with httpx2.AsyncClient(timeout=10.0) as http:
        page = (await http.get(f"{url}/metrics")).raise_for_status().text
    return {base_name(family.name) for family in text_string_to_metric_families(page)}


async def test_every_metric_of_an_alert_is_exposed(installation: Installation) -> None:
    urls = installation.addresses.urls
    exposed = set().union(*[await families(url) for url in urls.values()])
    samples = {name: await scrape(url) for name, url in urls.items()}
    for rule in rules():
        for metric in rule.metrics - {"up"}:
            assert base_name(metric) in exposed, f"{rule.alert}: {metric}"
        for metric, label, value in rule.matched:
            if label == "event":
                assert any((label, value) in labels for (_, labels) in keys_of(samples, metric)), value


def keys_of(samples: Mapping[str, Samples], metric: str) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    return [key for process in samples.values() for key in process if key[0] == metric]


async def test_a_healthy_installation_raises_no_alert(installation: Installation) -> None:
    """Of those that compare the present value of one metric: a threshold beyond its sense is seen here.

    Prometheus fires a rule whose expression held at every evaluation of its `for`, so that one which was seen
    false once has not fired: a hand-over leaves a moment without a leader.
    """
    await installation.settled()
    computed = [rule for rule in rules() if SIMPLE.fullmatch(rule.expr)]
    assert len(computed) >= 10
    held = computed

    async def each_was_false() -> bool:
        nonlocal held
        samples = {name: await scrape(url) for name, url in installation.addresses.urls.items()}
        held = [rule for rule in held if raised(rule, samples)]
        return all(rule.lasts == "0s" for rule in held)

    with contextlib.suppress(TimeoutError):
        await eventually(each_was_false)
    assert [rule.alert for rule in held] == []


def raised(rule: Rule, samples: Mapping[str, Samples]) -> bool:
    """Whether a simple rule holds now, as Prometheus would compute it."""
    parts = SIMPLE.fullmatch(rule.expr)
    assert parts is not None
    groups: dict[tuple[str, ...], list[float]] = defaultdict(list)
    wanted = re.findall(r'([a-z]+)(=~?)"([^"]*)"', parts["where"] or "")
    by = [label.strip() for label in (parts["by"] or "").split(",") if label]
    for process, values in samples.items():
        for (name, pairs), value in values.items():
            labels = {**dict(pairs), "instance": process}
            if name == parts["metric"] and all(
                re.fullmatch(text if how == "=~" else re.escape(text), labels.get(label, ""))
                for label, how, text in wanted
            ):
                key = by if parts["how"] else sorted(labels)
                groups[tuple(labels.get(label, "") for label in key)].append(value)
    compare, bound = COMPARISONS[parts["compare"]], float(parts["bound"])
    totals = [sum(found) if parts["how"] == "sum" else max(found) for found in groups.values()]
    return any(compare(total, bound) for total in totals)
