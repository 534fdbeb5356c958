"""Readers of the alert rules of deploy/observability, for the tests of rules, metrics and runbooks."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "observability" / "alerts.yaml"
RUNBOOKS = ROOT / "docs" / "runbooks"

FUNCTIONS = {"rate", "increase", "histogram_quantile", "predict_linear"}
AGGREGATIONS = {"sum", "max"}
WORDS = {*FUNCTIONS, *AGGREGATIONS, "by", "and", "or"}
_STRING = re.compile(r'"[^"]*"')
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_SELECTOR = re.compile(r"([a-z_][a-z0-9_]*)\{([^}]*)\}")
_MATCHER = re.compile(r'([a-z]+)(=|!=|=~|!~)"([^"]*)"')
_BY = re.compile(r"by \(([a-z, ]+)\)")


@dataclass(frozen=True, slots=True)
class Rule:
    """One alert: its name, PromQL expression, labels, annotations, and how long it must hold."""

    alert: str
    expr: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    lasts: str

    @property
    def metrics(self) -> set[str]:
        """The names of the metrics in the expression."""
        bare = _BY.sub("by", re.sub(r"\{[^}]*\}|\[[^]]*\]", "", self.expr))
        return set(_NAME.findall(_STRING.sub("", bare))) - WORDS

    @property
    def matched(self) -> set[tuple[str, str, str]]:
        """Metric, label and value (or pattern) of each matcher."""
        return {
            (metric, label, value)
            for metric, matchers in _SELECTOR.findall(self.expr)
            for label, _, value in _MATCHER.findall(matchers)
        }

    @property
    def grouped_by(self) -> set[str]:
        """The labels of all `by (...)`."""
        return {label.strip() for labels in _BY.findall(self.expr) for label in labels.split(",")}

    @property
    def runbook(self) -> Path:
        """The page of the alert."""
        return ROOT / self.annotations["runbook"]


def rules() -> Iterator[Rule]:
    """All rules of the file."""
    for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]:
        for rule in group["rules"]:
            yield Rule(
                rule["alert"], rule["expr"], rule["labels"], rule["annotations"], rule.get("for", "0s")
            )


def base_name(metric: str) -> str:
    """The name of the metric to which a sample belongs: without the suffix of a histogram or counter."""
    return re.sub(r"_(bucket|sum|count|total)$", "", metric)
