"""Readers of the manifests and of the code that they must agree with, for test_deploy.py."""

import ast
import importlib
from functools import cache
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings

from services.payments import gateways
from tests.contract.kustomized import Manifest, rendered
from tollhouse.topology import REPOSITORY_ROOT, ServiceProcess

K8S = REPOSITORY_ROOT / "deploy" / "k8s"


@cache
def deployed(folder: Path) -> list[Manifest]:
    """All manifests of a base or overlay: to be read only."""
    return rendered(folder)


def manifests(folder: Path, kind: str) -> dict[str, Manifest]:
    return {m["metadata"]["name"]: m for m in deployed(folder) if m["kind"] == kind}


def pods(folder: Path) -> dict[str, Any]:
    """Pod specs of all processes and of the Job."""
    owners = manifests(folder, "Deployment") | manifests(folder, "Job")
    return {name: owner["spec"]["template"]["spec"] for name, owner in owners.items()}


def container(folder: Path, name: str) -> dict[str, Any]:
    (only,) = pods(folder)[name]["containers"]
    assert isinstance(only, dict)
    return only


def environment_of(service: ServiceProcess) -> dict[str, str]:
    """The environment of a process; a secret's value stands as its name and key."""
    env = dict(manifests(K8S / "base", "ConfigMap")["settings"]["data"])
    for variable in container(K8S / "base", service.name)["env"]:
        secret = variable["valueFrom"]["secretKeyRef"]
        env[variable["name"]] = f"{secret['name']}/{secret['key']}"
    return env


def gateway_settings(service: ServiceProcess) -> dict[str, bool]:
    """The settings that lie in the folders of payment gateways: name in the environment, is it required."""
    folder = f"{gateways.__name__}."
    if not folder.startswith(f"{service.module.rpartition('.')[0]}."):
        return {}
    return {
        f"{settings.model_config.get('env_prefix', '')}{name}".upper(): field.is_required()
        for settings in BaseSettings.__subclasses__()
        if settings.__module__.startswith(folder)
        for name, field in settings.model_fields.items()
    }


def source(service: ServiceProcess) -> str:
    folder = REPOSITORY_ROOT / Path(*service.module.split(".")[:-1])
    return "".join(file.read_text() for file in folder.rglob("*.py") if "tests" not in file.parts)


def subscriptions_of(service: ServiceProcess) -> set[str]:
    """The contexts that its main.py and its features name: `subscribes_to=...` or `hears=...`."""
    package = service.module.rpartition(".")[0]
    folder = REPOSITORY_ROOT / Path(*package.split("."))
    features = [f"{package}.{file.parent.name}.feature" for file in folder.glob("*/feature.py")]
    return {name for module in (service.module, *features) for name in _subscriptions_in(module)}


def _subscriptions_in(module: str) -> set[str]:
    loaded = importlib.import_module(module)
    tree = ast.parse(Path(str(loaded.__file__)).read_text())
    keywords = [word for call in ast.walk(tree) if isinstance(call, ast.Call) for word in call.keywords]
    values = [ast.Expression(word.value) for word in keywords if word.arg in ("hears", "subscribes_to")]
    return {name for each in values for name in eval(compile(each, "hears", "eval"), vars(loaded))}


def peers(rule: dict[str, Any]) -> set[str]:
    """The processes at the other end of a rule; callers from outside are left out."""
    selectors = [
        end["podSelector"] for end in rule.get("from", []) + rule.get("to", []) if "podSelector" in end
    ]
    expressions = [each for selector in selectors for each in selector["matchExpressions"]]
    assert all(each["key"] == "app.kubernetes.io/name" and each["operator"] == "In" for each in expressions)
    return {name for each in expressions for name in each["values"]}
