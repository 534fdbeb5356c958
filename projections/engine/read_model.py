"""What a read model is: which facts it hears, which rows they touch, and how a row follows from its facts.

One pure `fold` serves live projection, rebuilding, verification and every question about the past.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

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
    """A row as it is kept.

    `revision` counts the facts in it and `updated_at` is the newest moment among them: both come out the
    same in whatever order streams were heard, so a rebuilt row can be compared with a live one.
    """

    tenant_id: str
    id: str
    row: Row
    revision: int
    updated_at: datetime

    @property
    def key(self) -> Key:
        """Where it lies."""
        return (self.tenant_id, self.id)


@dataclass(frozen=True, slots=True)
class StreamSource:
    """The facts of a row lie in this stream."""

    stream_id: str


@dataclass(frozen=True, slots=True)
class CustomerSource:
    """The facts of a row lie in streams that mention this customer."""

    customer_id: str


Source: TypeAlias = StreamSource | CustomerSource


def own_stream(row_id: str) -> Source:
    """A row that is named like the one stream that feeds it."""
    return StreamSource(row_id)


@dataclass(frozen=True, slots=True)
class OwnerLookup:
    """How an owner column names a customer by something other than the customer id.

    `value` takes it from the row that `model` has under the customer id.
    """

    model: "AnyModel"
    value: Callable[[Any], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadModel(Generic[Row, Part]):
    """A row follows from the facts of one stream in order, or from facts whose order does not matter.

    `targets` names the rows that an event touches and what it says to each; `fold` makes a part true in its
    row (None: there is nothing to show of it). `filters` are text fields of the row that may be searched;
    `owner` is the one among them that names the customer who may see the row (none: everybody in the
    tenant may), by customer id or by what `owner_of` looks up. A changed `fold` or `row` is a new `version`:
    it gets a table of its own, filled from history, then served.
    """

    name: str
    version: int
    row: type[Row]
    events: tuple[type[Event], ...]
    targets: Callable[[Any], Iterable[tuple[str, Part]]]
    fold: Callable[[Row | None, Part, DecodedEvent], Row | None]
    sorted_by: Callable[[Row], datetime]
    filters: tuple[str, ...] = ()
    owner: str | None = None
    owner_of: OwnerLookup | None = None
    cached: bool = False
    """Whether single rows are also kept in the cache, for screens that ask for them all the time."""
    source: Callable[[str], Source] | None = None
    """Where the history of a row is found, for questions about the past."""

    @property
    def table(self) -> str:
        """The name of its table."""
        return f"{self.name}_v{self.version}"


AnyModel: TypeAlias = ReadModel[Any, Any]


def single_row(field: str) -> Callable[[Any], Iterable[tuple[str, Any]]]:
    """For events that touch the one row whose id stands in `field`."""

    def parts(event: Any) -> Iterable[tuple[str, Any]]:
        return [(getattr(event, field), event)]

    return parts
