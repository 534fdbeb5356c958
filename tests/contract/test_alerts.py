"""Alert rules use metrics and labels that exist, and each has a runbook whose commands exist."""

import importlib.util
import re
from math import prod

import pytest
import typer
import yaml
from prometheus_client.metrics import MetricWrapperBase

from services.payments.settings import PaymentsSettings
from shared.framework.observability import metrics
from tests.contract.alert_rules import RULES, RUNBOOKS, Rule, base_name, rules
from tests.contract.deployed import K8S, container
from tollhouse.cli import app
from tollhouse.topology import SERVICES

ALERTS = list(rules())
MADE_BY_PROMETHEUS = {"up"}
TARGET_LABELS = {"job", "instance"}
every_rule = pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule.alert)


def labels_of(metric: str) -> set[str]:
    """The labels of a metric's samples; empty if there is no such metric."""
    name = base_name(metric)
    for one in vars(metrics).values():
        if isinstance(one, MetricWrapperBase) and base_name(next(iter(one.describe())).name) == name:
            return {*one._labelnames, *TARGET_LABELS, "le"}
    of_the_library = {base_name(family.name) for family in metrics.REGISTRY.collect()}
    return set(TARGET_LABELS) if name in of_the_library else set()


def test_the_file_has_the_form_of_a_rule_file() -> None:
    """Prometheus refuses the whole file for one unknown field."""
    content = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    assert set(content) == {"groups"}
    for group in content["groups"]:
        assert set(group) == {"name", "rules"}
        for rule in group["rules"]:
            assert {"alert", "expr", "labels", "annotations"} <= set(rule)
            assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
            assert set(rule["annotations"]) == {"summary", "runbook"}
    assert len({rule.alert for rule in ALERTS}) == len(ALERTS) > 20


@every_rule
def test_an_expression_uses_metrics_and_labels_that_exist(rule: Rule) -> None:
    assert rule.metrics
    for metric in rule.metrics - MADE_BY_PROMETHEUS:
        assert labels_of(metric), metric
    for metric, label, _ in rule.matched:
        assert metric in MADE_BY_PROMETHEUS or label in labels_of(metric), (metric, label)
    known = set.union(TARGET_LABELS, *(labels_of(metric) for metric in rule.metrics))
    assert rule.grouped_by <= known
    shown = set(re.findall(r"\$labels\.(\w+)", rule.annotations["summary"]))
    assert shown <= (rule.grouped_by or known)


@every_rule
def test_an_expression_is_well_formed(rule: Rule) -> None:
    """What can be said without a parser: brackets, ranges where functions need them, and a comparison."""
    for opening, closing in ("()", "{}", "[]"):
        assert rule.expr.count(opening) == rule.expr.count(closing)
    ranges = re.findall(r"\b(?:rate|increase|predict_linear)\(", rule.expr)
    assert len(re.findall(r"\[\d+[smhd]\]", rule.expr)) == len(ranges)
    assert re.search(r" (==|>|<) ", rule.expr)
    assert re.fullmatch(r"\d+[smh]", rule.lasts)
    assert rule.labels["severity"] in {"page", "warn"}


@every_rule
@pytest.mark.skipif(
    importlib.util.find_spec("promql_parser") is None, reason="promql-parser is not installed: no parser"
)
def test_a_parser_takes_the_expression(rule: Rule) -> None:
    importlib.import_module("promql_parser").parse(rule.expr)


@every_rule
def test_an_alert_has_its_runbook(rule: Rule) -> None:
    page = rule.runbook.read_text(encoding="utf-8")
    assert page.startswith(f"# {rule.alert}\n")
    assert {"## Look", "## Do"} <= set(page.splitlines())
    assert f"[{rule.alert}]({rule.runbook.name})" in (RUNBOOKS / "README.md").read_text(encoding="utf-8")


def test_no_runbook_is_without_its_alert() -> None:
    pages = {page for page in RUNBOOKS.glob("*.md") if page.name != "README.md"}
    assert pages == {rule.runbook for rule in ALERTS}


@every_rule
def test_the_commands_of_a_runbook_exist(rule: Rule) -> None:
    """At three in the morning nobody wants to find out that one was renamed."""
    [block] = re.findall(r"```\n(.*?)```", rule.runbook.read_text(encoding="utf-8"), re.DOTALL)
    for line in block.splitlines():
        if line.startswith("tollhouse "):
            assert is_command(line.split()[1:]), line


def is_command(words: list[str]) -> bool:
    """Whether words begin with the name of a command, or of one of a group."""
    command = typer.main.get_command(app)
    for word in words:
        commands = getattr(command, "commands", None)
        if commands is None:
            break
        if word not in commands:
            return False
        command = commands[word]
    return not hasattr(command, "commands")


def test_thresholds_can_be_reached() -> None:
    """A call is given up at the time limit, a container ended at its memory limit: the alert comes before."""
    by_name = {rule.alert: rule.expr.rpartition(" > ")[2] for rule in ALERTS}
    time_limit_s = PaymentsSettings.model_fields["gateway_timeout_s"].default
    assert float(by_name["TollhouseGatewaySlow"]) < time_limit_s
    assert prod(map(int, by_name["TollhouseMemoryHigh"].split(" * "))) < 2**30
    for service in SERVICES:
        assert container(K8S / "base", service.name)["resources"]["limits"]["memory"] == "1Gi"
