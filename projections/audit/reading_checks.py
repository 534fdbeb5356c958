"""Check of readings (docs/invariants.md, I2): parts of a quantity are read by themselves, and make it up."""

from collections.abc import Sequence
from decimal import Decimal, localcontext
from typing import NamedTuple

from projections.audit.report import Difference
from shared.billing.contracts.metering.meters import MeterDefined
from shared.billing.contracts.metering.readings import MeterQuantity, UsageReadingTaken
from shared.billing.money import EXACT
from shared.framework.core.event import Event
from shared.framework.eventstore.records import EventRecord


class _Parts(NamedTuple):
    """A quantity that has parts, with what they come to."""

    tenant_id: str
    reading_id: str
    meter_key: str
    detail: str
    quantity: Decimal
    total: Decimal
    greatest: Decimal


class ReadingCheck:
    """Parts of count and sum add up to the quantity, and the greatest part of max is the quantity.

    Of unique_count only bounds are checked: a value may be in several parts.
    """

    def __init__(self) -> None:
        """Records come by `visit`."""
        self._parts: list[_Parts] = []
        self._aggregations: dict[tuple[str, str], str] = {}

    def visit(self, record: EventRecord, event: Event | None) -> None:
        """See RecordVisitor."""
        match event:
            case MeterDefined():
                self._aggregations[record.tenant_id, event.key] = event.aggregation
            case UsageReadingTaken():
                with localcontext(EXACT):
                    self._parts += [
                        _parts(record.tenant_id, event.reading_id, one)
                        for one in event.quantities
                        if one.parts
                    ]

    def finish(self) -> Sequence[Difference]:
        """All differences, after the last record."""
        return [
            Difference(
                "readings",
                one.tenant_id,
                f"{one.reading_id}, meter {one.meter_key}, {one.detail}",
                f"quantity {one.quantity:f}; its parts come to {one.total:f}, at most {one.greatest:f}",
            )
            for one in self._parts
            if not self._agree(one)
        ]

    def _agree(self, parts: _Parts) -> bool:
        match self._aggregations.get((parts.tenant_id, parts.meter_key)):
            case "max":
                return parts.greatest == parts.quantity
            case "unique_count":
                return parts.greatest <= parts.quantity <= parts.total
            case _:
                return parts.total == parts.quantity


def _parts(tenant_id: str, reading_id: str, read: MeterQuantity) -> _Parts:
    total, greatest = sum(read.parts, Decimal(0)), max(read.parts)
    return _Parts(tenant_id, reading_id, read.meter_key, read.detail, read.quantity, total, greatest)
