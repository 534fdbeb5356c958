"""Every persisted and every public name of Tollhouse, computed from the code.

`python -m tests.contract.frozen_names` writes them to golden/frozen_names.json. Do that only for a name that
is meant to be new or to change, read the difference, and list a change of a public name in CHANGELOG.md.
"""

import ast
import asyncio
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import msgspec
import typer
from fastapi import FastAPI
from prometheus_client.metrics import MetricWrapperBase
from pydantic_settings import BaseSettings

import services.payments
from projections.register import READ_MODELS
from services.payments.gateways.port import Declined, UnknownOutcome
from shared.billing import pricing
from shared.billing.contracts import EVENTS, TOPICS
from shared.billing.contracts.eventsourcing_mapper import BillingMapper
from shared.framework.core.event import Metadata
from shared.framework.core.ids import derived_id, has_prefix
from shared.framework.core.refusals import Refusal
from shared.framework.eventstore.migrate import migrations_of
from shared.framework.eventstore.records import InboxPosition
from shared.framework.eventstore.unit_of_work import Session
from shared.framework.http import command_endpoint as idempotency
from shared.framework.http import health, problem, read_your_writes
from shared.framework.http.authorization import Role
from shared.framework.http.problem import status_of
from shared.framework.messaging import envelope
from shared.framework.observability import metrics, names
from shared.framework.process import internal_routes
from tests.contract.frozen_apis import graphql_names, openapi_names, route_names
from tests.contract.frozen_services import applications, built_services
from tests.contract.source_scan import (
    PACKAGES,
    UNKNOWN,
    calls,
    classes_named,
    dictionary_keys,
    functions_with_a_call,
    strings,
    subclasses,
    text,
    tree_of,
    trees,
)
from tollhouse.cli import app as command_line
from tollhouse.roles import SCOPES

GOLDEN = Path(__file__).parent / "golden" / "frozen_names.json"
ROOT = Path(__file__).parents[2]
LEASE = re.compile(r"(relay|consumer|timers|replay):\*|metering\.[a-z*]+(\.\*)?|tollhouse:.*")
SETTING = re.compile(r"(TOLLHOUSE|OTEL)_[A-Z_]+")
CODE = re.compile(r"[a-z]+(_[a-z0-9]+)+|abandoned")

Names = Mapping[str, list[str]]


def frozen_names() -> Names:
    """All names by what they are; the same code always gives the same value."""
    made = asyncio.run(built_services())
    apps = applications(made)
    sections: dict[str, Iterable[str]] = {
        "persisted: events and their fields": _events(),
        "persisted: event metadata fields": Metadata.__struct_fields__,
        "persisted: price models and their fields": _prices(),
        "persisted: migrations and sha256 of their bytes": _migrations(),
        "persisted: id prefixes and what derived ids are made of": _ids(),
        "persisted: timer purposes": [purpose for one in made.values() for purpose in one.timers],
        "persisted: timer payload keys": _timer_payloads(),
        "persisted: topics": [f"{context}: {topic}" for context, topic in TOPICS.items()],
        "persisted: consumers": [
            f"{name}: {one.consumer or name}" for name, one in made.items() if one.handler
        ],
        "persisted: leases, cursors, consumers and Redis keys put together": _put_together(),
        "persisted: decline codes and other words in the source of payments": _decline_codes(),
        "persisted: read model tables and searched columns": _read_models(),
        "public: MAPPER_TOPIC of stock eventsourcing applications": [
            f"{BillingMapper.__module__}:{BillingMapper.__qualname__}"
        ],
        "public: message headers": _keys_of(envelope),
        "public: refusals": _refusals(),
        "public: problem fields": _keys_of(problem),
        "public: HTTP headers": _headers(idempotency, read_your_writes),
        "public: routes and their scopes": _of_all(apps, route_names),
        "public: OpenAPI": _of_all(apps, openapi_names),
        "public: GraphQL": graphql_names(),
        "public: fields of /progress, /feed, /dead-letters and /health": [
            *_keys_of(internal_routes),
            *_keys_of(health),
        ],
        "public: roles and their scopes": _roles(),
        "public: metrics": _metrics(),
        "public: log fields, spans, attributes and labels": _observed(),
        "public: further log fields": _log_fields(),
        "public: settings": _settings(),
        "public: command line": _commands(typer.main.get_command(command_line), "tollhouse"),
    }
    return {section: sorted(set(found)) for section, found in sorted(sections.items())}


def _events() -> Iterator[str]:
    for wire_name, event in EVENTS.items():
        yield f"{wire_name}{' (compressed)' if event.compressed else ''}"
        for path in _fields(msgspec.inspect.type_info(event)):
            yield f"{wire_name} {path}"


def _fields(kind: msgspec.inspect.Type, path: str = "") -> Iterator[str]:
    match kind:
        case msgspec.inspect.StructType(tag_field="model") if path:
            return  # a price: its fields are listed once, by `_prices`
        case msgspec.inspect.StructType(fields=fields):
            for field in fields:
                inner = f"{path}.{field.encode_name}".removeprefix(".")
                yield inner
                yield from _fields(field.type, inner)
        case msgspec.inspect.VarTupleType(item_type=item):
            yield from _fields(item, f"{path}[]")
        case msgspec.inspect.DictType(value_type=value):
            yield from _fields(value, f"{path}{{}}")
        case msgspec.inspect.UnionType(types=types):
            for one in types:
                yield from _fields(one, path)


def _prices() -> Iterator[str]:
    """The models that an event may hold wherever it has a price, and the fields of each."""
    for model in get_args(pricing.Price):
        config = model.__struct_config__
        yield f"{config.tag_field}={config.tag}"
        for path in _fields(msgspec.inspect.type_info(model)):
            yield f"{config.tag}: {path}"


def _migrations() -> Iterator[str]:
    for folder in ROOT.rglob("migrations"):
        if folder.relative_to(ROOT).parts[0] in {package.__name__ for package in PACKAGES}:
            yield from (f"{migration.name} {migration.digest}" for migration in migrations_of(folder))


def _ids() -> Iterator[str]:
    for module, call in calls(derived_id.__name__):
        yield " ".join(text(argument, module) for argument in call.args)
    for module, call in (*calls("new"), *calls(has_prefix.__name__)):
        if call.args and text(call.args[0], module) != UNKNOWN:
            yield text(call.args[0], module)


def _timer_payloads() -> Iterator[str]:
    for module, function, call in functions_with_a_call(Session.schedule.__name__):
        purpose = text(call.args[2], module)
        yield from (f"{purpose}: {key}" for key in dictionary_keys(function, module))
        for payload in classes_named(function, module):
            if issubclass(payload, msgspec.Struct):
                fields = _fields(msgspec.inspect.type_info(payload))
                yield from (f"{purpose}: {field}" for field in fields)


def _put_together() -> Iterator[str]:
    for module, tree in trees():
        yield from (found for found in strings(tree, module) if LEASE.fullmatch(found))
    for module, call in calls(InboxPosition.__name__):
        values = [text(value, module) for value in (*call.args, *(word.value for word in call.keywords))]
        yield from (value for value in values if value != UNKNOWN)


def _decline_codes() -> Iterator[str]:
    for outcome in (Declined.__name__, UnknownOutcome.__name__):
        yield from (text(call.args[0], module) for module, call in calls(outcome))
    for module, tree in trees():
        if module.__name__.startswith(f"{services.payments.__name__}."):
            yield from (found for found in strings(tree, module) if CODE.fullmatch(found))


def _read_models() -> Iterator[str]:
    for model in READ_MODELS:
        yield model.table
        yield from (f"{model.table}.{column}" for column in model.filters)


def _refusals() -> Iterator[str]:
    for refusal in subclasses(Refusal):
        if "code" in vars(refusal):
            made = refusal.__new__(refusal)
            yield f"{made.code} {status_of(made)} {made.title}"


def _keys_of(module: ModuleType) -> list[str]:
    return [key for key in dictionary_keys(tree_of(module), module) if key != UNKNOWN]


def _headers(*modules: ModuleType) -> Iterator[str]:
    for module in modules:
        found = strings(tree_of(module), module)
        yield from (value for value in found if re.fullmatch(r"[A-Z][a-z]+(-[A-Z][a-z]+)+", value))


def _of_all(apps: Mapping[str, FastAPI], names_of: Callable[[FastAPI], Iterable[str]]) -> Iterator[str]:
    for context, app in apps.items():
        yield from (f"{context} {name}" for name in names_of(app))


def _roles() -> Iterator[str]:
    for role in Role:
        yield from (role, *(f"{role}: {scope}" for scope in SCOPES[role]))


def _metrics() -> Iterator[str]:
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            labels = ", ".join(getattr(metric, "_labelnames"))  # noqa: B009 - it has no public name
            [described] = metric.describe()
            yield f"{described.name} ({described.type}) {{{labels}}} {described.documentation}"


def _observed() -> list[str]:
    return [value for name, value in vars(names).items() if name.isupper()]


def _log_fields() -> Iterator[str]:
    for module, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == "extra":
                yield from dictionary_keys(node, module)


def _settings() -> Iterator[str]:
    for settings in subclasses(BaseSettings):
        prefix = settings.model_config.get("env_prefix", "")
        yield from (f"{prefix}{name}".upper() for name in settings.model_fields)
    for module, tree in trees():
        yield from (found for found in strings(tree, module) if SETTING.fullmatch(found))


def _commands(command: Any, path: str) -> Iterator[str]:
    yield f"{path}: {_one_line(command.help)}"
    for parameter in command.params:
        spelt = ", ".join(parameter.opts) if parameter.param_type_name == "option" else str(parameter.name)
        yield f"{path} {spelt}: {_one_line(getattr(parameter, 'help', None))}"
    for name, child in getattr(command, "commands", {}).items():
        yield from _commands(child, f"{path} {name}")


def _one_line(help_text: str | None) -> str:
    return " ".join((help_text or "").split())


def accepted_names() -> Names:
    """The names in the golden file."""
    accepted: Names = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return accepted


def difference(accepted: Names, current: Names) -> str:
    """`- ` before each name that is gone and `+ ` before each that is new, by section; empty when equal."""
    lines = []
    for section in sorted({*accepted, *current}):
        before, after = set(accepted.get(section, ())), set(current.get(section, ()))
        changes = [
            *(f"  - {name}" for name in sorted(before - after)),
            *(f"  + {name}" for name in sorted(after - before)),
        ]
        lines += [section, *changes] if changes else []
    return "\n".join(lines)


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(frozen_names(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
