"""Settings that all processes have, from the environment."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from pydantic import PositiveFloat, PositiveInt, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Settings from environment variables with the prefix TOLLHOUSE_; a service may subclass it.

    Several processes of one service on one machine can also serve `http_shared_port` of the same host: each
    connection goes to one of them.
    """

    database_parameters: ClassVar[Mapping[str, str]] = {}
    """Parameters of PostgreSQL for the connections of the pool, such as those of its planner."""

    model_config = SettingsConfigDict(env_prefix="TOLLHOUSE_", frozen=True)

    database_url: SecretStr
    redis_url: SecretStr | None = None
    kafka_bootstrap: str
    broker_partitions: PositiveInt = 4
    broker_idempotence: bool = False
    broker_fetch_wait_ms: PositiveInt = 100
    http_host: str = "127.0.0.1"
    http_port: int
    http_shared_port: int | None = None
    feeds: dict[str, str] = {}
    jwks_file: Path
    api_keys_file: Path
    service_token_file: Path
    trace_file: Path | None = None
    trace_file_bytes_max: PositiveInt = 16 * 1024 * 1024
    data_folder: Path | None = None
    log_level: str = "INFO"
    database_connections_max: PositiveInt = 8
    idempotency_retention_days: PositiveInt = 30
    sweep_interval_s: PositiveFloat = 2.0
    shutdown_grace_s: PositiveFloat = 10.0
