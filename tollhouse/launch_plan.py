"""The command, environment and readiness check of each service process."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import httpx2

from tollhouse.credentials import Credentials
from tollhouse.embedded import LocalServers
from tollhouse.installation_state import InstallationState
from tollhouse.provision import Databases
from tollhouse.servers.child_process import ProcessSpec
from tollhouse.servers.forked_process import ForkedProcesses
from tollhouse.servers.topics import PARTITIONS
from tollhouse.topology import ServiceProcess

LIVENESS_TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True)
class LaunchPlan:
    """The environment of each service, as shared/framework/process/settings.py reads it."""

    state: InstallationState
    servers: LocalServers
    databases: Databases
    credentials: Credentials
    ports: Mapping[str, int]
    extra_env: Mapping[str, str]

    @staticmethod
    def of(
        state: InstallationState,
        servers: LocalServers,
        databases: Databases,
        services: Sequence[ServiceProcess],
        env: Mapping[str, str],
    ) -> "LaunchPlan":
        """Choose ports, create keys and folders."""
        credentials = Credentials(state.folder / "keys")
        credentials.write_service_token()
        (state.folder / "traces").mkdir(exist_ok=True)
        ports = {service.name: state.port(service.name) for service in services}
        return LaunchPlan(state, servers, databases, credentials, ports, env)

    @property
    def urls(self) -> dict[str, str]:
        """The base URL of each service."""
        return {name: f"http://127.0.0.1:{port}" for name, port in self.ports.items()}

    def programs(
        self,
        service: ServiceProcess,
        probe: httpx2.AsyncClient,
        forked: ForkedProcesses | None,
        count: int = 1,
    ) -> list[ProcessSpec]:
        """A service as `count` child processes; if several, all serve its address."""
        if count == 1:
            return [self._program(service, service.name, self.ports[service.name], {}, probe, forked)]
        shared = {"TOLLHOUSE_HTTP_SHARED_PORT": str(self.ports[service.name])}
        names = [service.name, *(f"{service.name}-{number}" for number in range(2, count + 1))]
        return [
            self._program(service, name, self.state.port(f"{name}.own"), shared, probe, forked)
            for name in names
        ]

    def _program(
        self,
        service: ServiceProcess,
        name: str,
        port: int,
        shared: Mapping[str, str],
        probe: httpx2.AsyncClient,
        forked: ForkedProcesses | None,
    ) -> ProcessSpec:
        """A child process that is ready when /health/ready on its own port answers 200."""
        url = f"http://127.0.0.1:{port}"
        own = {
            "TOLLHOUSE_HTTP_PORT": str(port),
            "TOLLHOUSE_TRACE_FILE": str(self.state.folder / "traces" / f"{name}.jsonl"),
        }

        async def is_ready() -> bool:
            try:
                return (await probe.get(f"{url}/health/ready")).status_code == httpx2.codes.OK
            except httpx2.HTTPError:
                return False

        async def is_alive() -> bool:
            try:
                await probe.get(f"{url}/health/live", timeout=LIVENESS_TIMEOUT_S)
            except httpx2.TransportError:
                return False
            return True

        return ProcessSpec(
            name=name,
            command=lambda: [sys.executable, "-m", service.module],
            is_ready=is_ready,
            is_alive=is_alive,
            log=self.state.folder / "logs" / f"{name}.log",
            env={**self.environment(service), **own, **shared, **self.extra_env},
            probe_interval_s=0.05,
            launch=None if forked is None else partial(forked.start, module=service.module),
        )

    def environment(self, service: ServiceProcess) -> dict[str, str]:
        """The environment of all processes of a service."""
        sandbox = (
            {"TOLLHOUSE_SANDBOX_DATABASE_URL": self.databases.sandbox_dsn()} if service.uses_sandbox else {}
        )
        return {
            "TOLLHOUSE_LOG_LEVEL": os.environ.get("TOLLHOUSE_LOG_LEVEL", "INFO"),
            "TOLLHOUSE_DATABASE_URL": self.databases.dsn(service.name),
            "TOLLHOUSE_REDIS_URL": self.servers.redis_url,
            "TOLLHOUSE_KAFKA_BOOTSTRAP": self.servers.kafka_bootstrap,
            "TOLLHOUSE_BROKER_PARTITIONS": str(PARTITIONS),
            "TOLLHOUSE_BROKER_IDEMPOTENCE": str(self.servers.broker_is_idempotent).lower(),
            "TOLLHOUSE_HTTP_HOST": "127.0.0.1",
            "TOLLHOUSE_HTTP_PORT": str(self.ports[service.name]),
            "TOLLHOUSE_FEEDS": json.dumps(self.urls),
            "TOLLHOUSE_JWKS_FILE": str(self.credentials.jwks_file),
            "TOLLHOUSE_API_KEYS_FILE": str(self.credentials.api_keys_file),
            "TOLLHOUSE_SERVICE_TOKEN_FILE": str(self.credentials.service_token_file),
            "TOLLHOUSE_TRACE_FILE": str(self.state.folder / "traces" / f"{service.name}.jsonl"),
            "TOLLHOUSE_DATA_FOLDER": str(self.state.folder),
            **sandbox,
            **self.extra_env,
        }
