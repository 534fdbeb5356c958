"""All that ingest may be told from outside."""

from pydantic import PositiveInt

from shared.framework.process.settings import ServiceSettings


class IngestSettings(ServiceSettings):
    """How much usage one transaction takes, and how much may wait: in events, and in bytes of JSON.

    A transaction is at most one row per tenant and reporter; whoever reads it holds it in memory whole.
    """

    ingest_transaction_events_max: PositiveInt = 5_000
    ingest_transaction_bytes_max: PositiveInt = 8 * 1024 * 1024
    ingest_queue_events_max: PositiveInt = 50_000
    ingest_queue_bytes_max: PositiveInt = 32 * 1024 * 1024
