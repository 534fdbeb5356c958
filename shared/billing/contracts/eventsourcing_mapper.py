"""The mapper with which a stock application of the `eventsourcing` library opens our tables.

It needs this environment and no code of ours besides:
`PERSISTENCE_MODULE=eventsourcing.postgres`, `ORIGINATOR_ID_TYPE=text`, `CREATE_TABLE=n`,
`MAPPER_TOPIC=shared.billing.contracts.eventsourcing_mapper:BillingMapper`, and `name = ""` on its class
(table `stored_events`).
"""

from shared.billing.contracts import CONTRACTS
from shared.framework.eventstore.eventsourcing_mapper import WireMapper


class BillingMapper(WireMapper):
    """Reads and writes the events of all contexts."""

    contracts = CONTRACTS
