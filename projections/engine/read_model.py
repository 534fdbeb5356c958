"""The definition of a read model, and the values that it is made of: decoded events, rows and their changes.

One pure `fold` serves live projection, rebuilding, the audit and queries as of an instant.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

import msgspec

from projections.engine.large_events import with_all_items
from shared.framework.core.event import Event

Row = TypeVar("Row", bound=msgspec.Struct)
Part = TypeVar("Part")

Key: TypeAlias = tuple[str, str]
"""(tenant_id, row id): the tenant comes first in every key."""


@dataclass(frozen=True, slots=True)
class DecodedEvent:
    """A decoded event of one tenant, at `position` of `context`; `occurred_at` is by the tenant's clock."""

    tenant_id: str
    context: str
    stream_id: str
    position: int
    occurred_at: datetime
    event: Event


@dataclass(frozen=True, slots=True)
class StoredRow(Generic[Row]):
    """A row with its key and revision.

    `revision` is the number of events folded into it, `updated_at` the newest `occurred_at` among them, and
    `position` the smallest of their positions: that of the event that made the row. All are the same in
    whatever order streams are consumed, so a rebuilt row can be compared with the live one.
    """

    tenant_id: str
    id: str
    row: Row
    revision: int
    updated_at: datetime
    position: int

    @property
    def key(self) -> Key:
        """(tenant_id, row id)."""
        return (self.tenant_id, self.id)


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row to write, and the revision that must be stored when it is written (0: no row)."""

    stored: StoredRow[Any]
    expected: int


class SortKey(NamedTuple):
    """The order of a model's rows: moment, then history. Unique.

    `position` is that of the event that made the row in its context; rows that one event made are by id.
    """

    sort_at: datetime
    position: int
    id: str


class Arrived(NamedTuple):
    """What arrived in the read side after its commit `after` (-1: from the beginning) up to `until`."""

    after: int
    until: int


@dataclass(frozen=True, slots=True)
class StreamSource:
    """The events of one stream."""

    stream_id: str


@dataclass(frozen=True, slots=True)
class CustomerSource:
    """The events of all streams in which an event has this `customer_id`."""

    customer_id: str


Source: TypeAlias = StreamSource | CustomerSource


@dataclass(frozen=True, slots=True)
class OwnerLookup:
    """How to find the value of an owner column that is not the customer id.

    `value` takes it from the row of `model` whose id is the customer id.
    """

    model: "AnyModel"
    value: Callable[[Any], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadModel(Generic[Row, Part]):
    """Rows folded from the events of one stream in order, or from events whose order does not matter.

    `targets` gives (row id, part) for each row that an event changes; `fold` applies a part to its row (None:
    there is no row to show). `sorted_by` is the moment of a row on the tenant's clock, which no later event
    may change in a model that is listed. `filters` are text fields of the row that queries may filter by;
    `owner` is the one among them that identifies the customer who may see the row, by customer id or by the
    value of `owner_of` (without owner: customers see none). A changed `fold` or `row` needs a new `version`:
    its table is made and filled from the event archive before the process serves.
    """

    name: str
    version: int
    row: type[Row]
    events: tuple[type[Event], ...]
    targets: Callable[[DecodedEvent], Iterable[tuple[str, Part]]]
    fold: Callable[[Row | None, Part, DecodedEvent], Row | None]
    sorted_by: Callable[[Row], datetime]
    filters: tuple[str, ...] = ()
    owner: str | None = None
    owner_of: OwnerLookup | None = None
    cached: bool = False
    """Whether single rows are also kept in the cache, because they are read very often."""
    source: Callable[[str], Source] | None = None
    """The events that a row (by its id) is folded from; None: the model has no past, only current rows."""

    @property
    def table(self) -> str:
        """The name of its table."""
        return f"{self.name}_v{self.version}"

    @property
    def contexts(self) -> list[str]:
        """The contexts whose events it is folded from: the first words of their wire names."""
        return sorted({event.wire_name.partition(".")[0] for event in self.events})


AnyModel: TypeAlias = ReadModel[Any, Any]


def sort_key(model: AnyModel, stored: StoredRow[Any]) -> SortKey:
    """The sort key of a row."""
    return SortKey(model.sorted_by(stored.row), stored.position, stored.id)


def single_row(field: str) -> Callable[[DecodedEvent], Iterable[tuple[str, Any]]]:
    """The `targets` of events that change one row, whose id is their attribute `field`."""

    def targets(decoded: DecodedEvent) -> Iterable[tuple[str, Any]]:
        return [(getattr(decoded.event, field), decoded.event)]

    return targets


def row_from(row: type[Row], event: Event) -> Row:
    """A row with the values of all its fields that the event has too; the others have their defaults.

    Raises msgspec.ValidationError if the event lacks a field that has no default.
    """
    return msgspec.convert(with_all_items(event), row, from_attributes=True)
