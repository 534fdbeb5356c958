"""All that invoicing may be told from outside: what every process is told, and no more."""

from shared.framework.process.settings import ServiceSettings


class InvoicingSettings(ServiceSettings):
    """The grace before a reading is metering's to know; numbers and rates are facts, not settings."""
