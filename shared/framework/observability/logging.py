"""Logs as JSON lines with correlation id, trace id and tenant; secrets are redacted.

Code logs with the standard library (`logging.getLogger(__name__)`); composition roots call `start_logging`.
"""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

from shared.framework.observability.names import (
    CORRELATION_ID,
    ERROR,
    INSTANT,
    LEVEL,
    LOGGER,
    MESSAGE,
    SERVICE,
    TENANT,
    TRACE_ID,
)
from shared.framework.observability.redaction import redact_json
from shared.framework.observability.tracing import current_trace_id

_correlation_id: ContextVar[str | None] = ContextVar(CORRELATION_ID, default=None)
_tenant: ContextVar[str | None] = ContextVar(TENANT, default=None)
_OWN_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def correlation_id() -> str | None:
    """The correlation id of the present request or event; None outside of one."""
    return _correlation_id.get()


@contextmanager
def logged_as(*, correlation: str | None = None, tenant: str | None = None) -> Iterator[None]:
    """Set the correlation id and the tenant of what is logged in the block; None changes nothing."""
    changed = [
        (var, var.set(value)) for var, value in ((_correlation_id, correlation), (_tenant, tenant)) if value
    ]
    try:
        yield
    finally:
        for var, token in reversed(changed):
            var.reset(token)


class JsonLinesFormatter(logging.Formatter):
    """Formats a log record as one line of JSON: our own fields first, then those of `extra=`."""

    def __init__(self, service: str) -> None:
        """`service` is written in each line."""
        super().__init__()
        self.service = service

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON with secrets redacted."""
        fields: dict[str, Any] = {
            INSTANT: datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            LEVEL: record.levelname.lower(),
            SERVICE: self.service,
            LOGGER: record.name,
            MESSAGE: record.getMessage(),
            CORRELATION_ID: _correlation_id.get(),
            TRACE_ID: current_trace_id(),
            TENANT: _tenant.get(),
            ERROR: self.formatException(record.exc_info) if record.exc_info else None,
            **{name: value for name, value in vars(record).items() if name not in _OWN_FIELDS},
        }
        present = {name: value for name, value in fields.items() if value is not None}
        return json.dumps(redact_json(present))


def start_logging(service: str, level: str = "INFO", stream: TextIO = sys.stderr) -> None:
    """Write all logs of this process from `level` on to a stream as JSON lines."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLinesFormatter(service))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for verbose in ("uvicorn.access", "aiokafka", "httpx2", "httpcore2"):
        logging.getLogger(verbose).setLevel(logging.WARNING)
