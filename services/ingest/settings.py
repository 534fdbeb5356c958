"""Settings of ingest."""

from pydantic import PositiveInt

from shared.framework.process.settings import ServiceSettings


class IngestSettings(ServiceSettings):
    """Bounds of the usage in one transaction and in the queue, in events and in bytes of JSON.

    A transaction has one batch per tenant and actor; a reader of a batch has all of it in memory.
    """

    ingest_transaction_events_max: PositiveInt = 5_000
    ingest_transaction_bytes_max: PositiveInt = 8 * 1024 * 1024
    ingest_queue_events_max: PositiveInt = 50_000
    ingest_queue_bytes_max: PositiveInt = 32 * 1024 * 1024
