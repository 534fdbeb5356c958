"""The manifests under deploy/ say what the code says: the same processes, settings, edges and ports."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from shared.billing.contracts import TOPICS
from shared.framework.http.authorization import is_open
from shared.framework.process.settings import ServiceSettings
from tests.contract.deployed import (
    K8S,
    container,
    deployed,
    environment_of,
    gateway_settings,
    manifests,
    peers,
    pods,
    source,
    subscriptions_of,
)
from tollhouse.embedded import LocalServers
from tollhouse.installation_state import InstallationState
from tollhouse.launch_plan import LaunchPlan
from tollhouse.provision import Databases
from tollhouse.topology import REPOSITORY_ROOT, SERVICES, ServiceProcess

OVERLAYS = [K8S / "overlays" / "local", K8S / "overlays" / "production"]
NAMES = {service.name for service in SERVICES}
KUBERNETES = "1.37"

every_overlay = pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.name)
every_service = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)


def test_every_deployable_has_its_folder() -> None:
    """What `tollhouse up` starts on one machine is what a cluster runs."""
    assert {path.name for path in (K8S / "base").iterdir() if path.is_dir()} == {*NAMES, "provision"}
    for folder in (K8S / "base", *OVERLAYS):
        assert set(manifests(folder, "Deployment")) == NAMES
        for kind in ("Service", "PodDisruptionBudget"):
            assert set(manifests(folder, kind)) == NAMES
        assert set(manifests(folder, "ServiceAccount")) == {*NAMES, "provision"}


def test_no_manifest_lies_about_unused() -> None:
    """A file that no kustomization names looks as if it were in force."""
    for file in K8S.rglob("*"):
        if file.is_file() and file.name != "kustomization.yaml":
            assert file.name in re.split(r"[\s,\[\]]+", (file.parent / "kustomization.yaml").read_text()), (
                file
            )


@every_overlay
def test_the_cluster_would_take_every_manifest(overlay: Path) -> None:
    """Checked against the schemas of Kubernetes, where an unknown field is an error."""
    for manifest in deployed(overlay):
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


@every_overlay
@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl: our own rendering is not compared")
def test_kubectl_renders_what_these_tests_read(overlay: Path) -> None:
    """Our few lines of kustomize are right, or all the rest is checked on something else."""
    command = ["kubectl", "kustomize", str(overlay)]
    out = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    theirs = list(yaml.safe_load_all(re.sub(r"\bsettings-[a-z0-9]{10}\b", "settings", out)))
    assert sorted(map(json.dumps, map(ordered, theirs))) == sorted(
        map(json.dumps, map(ordered, deployed(overlay)))
    )


def ordered(value: Any) -> Any:
    """The same manifest with its keys in order."""
    return json.loads(json.dumps(value, sort_keys=True))


@every_service
def test_a_process_is_told_what_the_front_door_would_tell_it(service: ServiceProcess, tmp_path: Path) -> None:
    """The same names, no more; traces and data need a disk, and Redis is only for those who ask for it.

    A cluster also has the secrets of every payment gateway; one machine has those that are required.
    """
    servers = LocalServers("postgresql://at/db", "redis://at", "at:1", "external", True, {})
    databases = Databases(servers.postgres_url, lambda _: "secret")
    plan = LaunchPlan.of(InstallationState(tmp_path), servers, databases, [service], {})
    left_out = {"TOLLHOUSE_TRACE_FILE", "TOLLHOUSE_DATA_FOLDER"}
    if "redis_url" not in source(service):
        left_out.add("TOLLHOUSE_REDIS_URL")
    of_gateways = gateway_settings(service)
    only_in_a_cluster = {name for name, required in of_gateways.items() if not required}
    assert set(environment_of(service)) - only_in_a_cluster == set(plan.environment(service)) - left_out
    assert set(of_gateways) <= set(environment_of(service))


@every_service
def test_the_settings_take_the_environment(service: ServiceProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers are numbers, feeds are the Services of this cluster, files lie where the Secret is mounted."""
    for name, value in environment_of(service).items():
        monkeypatch.setenv(name, value)
    settings = ServiceSettings()
    port = container(K8S / "base", service.name)["ports"][0]["containerPort"]
    assert (settings.http_host, settings.http_port) == ("0.0.0.0", port)
    assert settings.feeds == {context: f"http://{context}:{port}" for context in TOPICS}
    (volume,) = pods(K8S / "base")[service.name]["volumes"]
    (mount,) = container(K8S / "base", service.name)["volumeMounts"]
    files = {Path(mount["mountPath"]) / item["path"] for item in volume["secret"]["items"]}
    assert {settings.jwks_file, settings.api_keys_file, settings.service_token_file} == files


@every_service
def test_the_edges_of_a_process_are_who_hears_whom(service: ServiceProcess) -> None:
    """Subscribers may read the feed; other processes of the installation are refused, in both directions."""
    policy = manifests(K8S / "base", "NetworkPolicy")[service.name]["spec"]
    assert policy["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": service.name}}
    subscribers = {other.name for other in SERVICES if service.name in subscriptions_of(other)}
    assert [peers(rule) for rule in policy["ingress"]] == [subscribers]
    outside = [end for rule in policy["ingress"] for end in rule["from"] if "podSelector" not in end]
    assert outside == [{"namespaceSelector": {"matchLabels": {"tollhouse/may-call": "true"}}}]
    egress = policy.get("egress", [])
    assert {name for rule in egress for name in peers(rule)} == subscriptions_of(service)
    assert ("Egress" in policy["policyTypes"]) == bool(egress)
    assert {port["port"] for rule in [*policy["ingress"], *egress] for port in rule["ports"]} == {8080}


def test_beyond_the_edges_everything_is_shut() -> None:
    """The policies are one per process, the rule that denies, DNS, and the three servers; no other."""
    policies = manifests(K8S / "base", "NetworkPolicy")
    servers = {"to-postgres", "to-kafka", "to-redis"}
    assert set(policies) == NAMES | servers | {"default-deny", "to-dns"}
    assert policies["default-deny"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    reaches_redis = policies["to-redis"]["spec"]["podSelector"]["matchLabels"]
    assert [s.name for s in SERVICES if "TOLLHOUSE_REDIS_URL" in environment_of(s)] == list(
        reaches_redis.values()
    )


@every_overlay
def test_every_pod_is_restricted(overlay: Path) -> None:
    """Pod Security Standard `restricted`, and beyond it: no cluster token, nothing to write on, limits."""
    for name, pod in pods(overlay).items():
        (only,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert only["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert pod["automountServiceAccountToken"] is False
        assert pod["serviceAccountName"] == name
        assert {"cpu", "memory"} == set(only["resources"]["limits"]) == set(only["resources"]["requests"])
        assert all(set(volume) == {"name", "secret"} for volume in pod["volumes"])
        assert re.fullmatch(r"tollhouse:[\w.]+", only["image"])
    labels = manifests(overlay, "Namespace")["tollhouse"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@every_service
def test_a_process_is_started_asked_and_stopped_as_it_expects(service: ServiceProcess) -> None:
    """The module is the one that `tollhouse up` runs, and the grace period covers the shutdown time-outs."""
    pod, only = pods(K8S / "base")[service.name], container(K8S / "base", service.name)
    assert only["command"] == ["python", "-m", service.module]
    probes = {probe: only[probe]["httpGet"]["path"] for probe in ("livenessProbe", "readinessProbe")}
    assert probes == {"livenessProbe": "/health/live", "readinessProbe": "/health/ready"}
    assert all(is_open(path) for path in probes.values())
    grace_s = ServiceSettings.model_fields["shutdown_grace_s"].default
    shortest_s = only["lifecycle"]["preStop"]["sleep"]["seconds"] + 2 * grace_s
    assert pod["terminationGracePeriodSeconds"] > shortest_s
    budget = manifests(K8S / "base", "PodDisruptionBudget")[service.name]["spec"]
    served = manifests(K8S / "base", "Service")[service.name]["spec"]
    name = {"app.kubernetes.io/name": service.name}
    assert (budget["selector"], served["selector"]) == ({"matchLabels": name}, name)


def test_every_secret_is_explained() -> None:
    """The operator makes them; the README says which, and each key."""
    readme = (REPOSITORY_ROOT / "deploy" / "README.md").read_text()
    wanted = {
        value
        for service in SERVICES
        for value in environment_of(service).values()
        if re.fullmatch(r"[\w-]+/[\w-]+", value)
    }
    secrets = {part for pair in wanted for part in pair.split("/")}
    volumes = [volume["secret"] for pod in pods(K8S / "base").values() for volume in pod["volumes"]]
    files = {item["key"] for secret in volumes for item in secret.get("items", [])}
    for word in secrets | files | {secret["secretName"] for secret in volumes} | {"postgres-url"}:
        assert f"`{word}`" in readme, word


def test_the_image_holds_all_that_is_run_and_runs_as_the_user_of_the_manifests() -> None:
    """The engine that builds it is not here: what can be read of the Dockerfile is checked."""
    dockerfile = (REPOSITORY_ROOT / "deploy" / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (\w\S*) ", dockerfile, re.MULTILINE)
    assert all((REPOSITORY_ROOT / path).exists() for path in copied)
    ignored = (REPOSITORY_ROOT / "deploy" / "Dockerfile.dockerignore").read_text()
    assert set(re.findall(r"^!(\S+)", ignored, re.MULTILINE)) == set(copied)
    assert {service.module.split(".")[0] for service in SERVICES} | {"shared", "tollhouse"} <= set(copied)
    users = {pod["securityContext"]["runAsUser"] for pod in pods(K8S / "base").values()}
    assert {int(user) for user in re.findall(r"^USER (\d+)", dockerfile, re.MULTILINE)} == users
