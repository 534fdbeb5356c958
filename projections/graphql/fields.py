"""GraphQL fields that read rows: one row, a page of rows, and the rows that belong to a row.

`node` is a type made by of_row for a read model. Rows of many parents are read in one statement per level.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from inspect import Parameter, Signature
from typing import Annotated, Any, TypeAlias, get_type_hints

import strawberry
from strawberry.types.lazy_type import LazyType

from projections.engine.read_model import AnyModel, StoredRow
from projections.engine.request_reader import HOLDS_NOTHING, RequestReader
from projections.graphql.connections import PAGE_MAX, Connection, PageArguments, connection

Info: TypeAlias = strawberry.Info[RequestReader, None]
"""A resolver's view of its request."""

AsOf = Annotated[
    datetime | None,
    strawberry.argument(
        name="asOf",
        description="As of this instant on the tenant's clock.",
    ),
]
Last = Annotated[
    int | None,
    strawberry.argument(
        name="last", description="The last rows, or the last before a cursor; `first` is not used then."
    ),
]
From = Annotated[datetime | None, strawberry.argument(name="from", description="Inclusive.")]
To = Annotated[datetime | None, strawberry.argument(name="to", description="Exclusive.")]


def row_field(node: Any, description: str | None = None) -> Any:
    """A row by its id, now or as of an instant; null when there is none that the viewer may see."""

    async def resolve(info: Info, id: strawberry.ID, as_of: AsOf = None) -> Any:  # noqa: A002 - its GraphQL name
        return await info.context.one(node.__read_model__, str(id), as_of)

    return strawberry.field(resolver=resolve, graphql_type=node | None, description=description)


def list_field(
    node: Any,
    description: str,
    *,
    filters: Sequence[str] | Mapping[str, str] = (),
    timed: bool = False,
    of: str | None = None,
) -> Any:
    """A connection: a page of rows, oldest first; of the same moment, in the order of their events.

    `filters`: filter columns of the model by the arguments that they are compared with, or columns whose
    arguments have the same names. `timed`: arguments `from` and `to`. `of`: the column that has the same
    value as the field of this name in the parent.
    """
    columns = filters if isinstance(filters, Mapping) else {column: column for column in filters}
    page: Any = Connection

    async def resolve(root: Any, info: Info, **arguments: Any) -> Any:
        given = {columns.get(name, name): value for name, value in arguments.items()}
        parent = (of, getattr(root.row, of) or HOLDS_NOTHING) if of else None
        page = PageArguments(*(given.pop(name) for name in ("first", "after", "last", "before")))
        return await connection(info.context, node.__read_model__, page, of=parent, **given)

    kinds = {name: _kind_of(node.__read_model__, column) for name, column in columns.items()}
    resolve.__signature__ = _signature(kinds, timed=timed)  # type: ignore[attr-defined]
    return strawberry.field(resolver=resolve, graphql_type=page[node], description=description)


def parent_field(name: str, model: AnyModel, by: str, description: str | None = None) -> Any:
    """The row of `model` whose id is in the column `by`; null, for it may arrive after the row that names it.

    Its type is looked up by name when the schema is built, because GraphQL types refer to each other.
    """

    async def resolve(root: StoredRow[Any], info: Info) -> Any:
        return await info.context.one(model, getattr(root.row, by), linked=True)

    parent: Any = LazyType(name, f"projections.read_models.{model.name}.graphql")
    return strawberry.field(resolver=resolve, graphql_type=parent | None, description=description)


def children_field(node: Any, by: str, description: str) -> Any:
    """The rows with this row's id in the column `by`: at most PAGE_MAX."""

    async def resolve(root: StoredRow[Any], info: Info) -> Any:
        query = info.context.query(limit=PAGE_MAX)
        rows = await info.context.children(node.__read_model__, by, root.id, query)
        await info.context.turn(len(rows))
        return rows

    return strawberry.field(resolver=resolve, graphql_type=list[node], description=description)


def child_field(node: Any, by: str, description: str) -> Any:
    """The one row with this row's id in the column `by`, or null."""

    async def resolve(root: StoredRow[Any], info: Info) -> Any:
        rows = await info.context.children(node.__read_model__, by, root.id, info.context.query(limit=1))
        return rows[0] if rows else None

    return strawberry.field(resolver=resolve, graphql_type=node | None, description=description)


def _kind_of(model: AnyModel, column: str) -> Any:
    """The type of a filter: the column's enumeration, or text."""
    kind = get_type_hints(model.row)[column]
    return kind if isinstance(kind, type) and issubclass(kind, Enum) else str


def _signature(filters: Mapping[str, Any], *, timed: bool) -> Signature:
    """The signature of a connection's resolver, from which strawberry takes the arguments."""
    arguments: dict[str, tuple[Any, Any]] = {
        "first": (int, 20),
        "after": (str | None, None),
        "last": (Last, None),
        "before": (str | None, None),
    }
    arguments |= {name: (kind | None, None) for name, kind in filters.items()}
    if timed:
        arguments |= {"since": (From, None), "until": (To, None)}
    keyword = Parameter.KEYWORD_ONLY
    return Signature(
        [
            Parameter("root", keyword),
            Parameter("info", keyword, annotation=Info),
            *(Parameter(name, keyword, default=d, annotation=kind) for name, (kind, d) in arguments.items()),
        ]
    )
