"""The mapper with which an unmodified application of the `eventsourcing` library reads the event tables.

Such an application needs this environment, and no other code of this project:
`PERSISTENCE_MODULE=eventsourcing.postgres`, `ORIGINATOR_ID_TYPE=text`, `CREATE_TABLE=n`,
`MAPPER_TOPIC=shared.billing.contracts.eventsourcing_mapper:BillingMapper`, and `name = ""` on its class
(table `stored_events`).
"""

from shared.billing.contracts import CONTRACTS
from shared.framework.eventstore.eventsourcing_mapper import WireMapper


class BillingMapper(WireMapper):
    """Reads and writes the events of all contexts."""

    contracts = CONTRACTS
