"""What resolvers know about the request that they answer, and how they point up to what a row belongs to."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import strawberry
from strawberry.types.lazy_type import LazyType

from projections.engine.read_model import StoredRow
from projections.engine.request_reader import RequestReader

Info: TypeAlias = strawberry.Info[RequestReader, None]


@dataclass(frozen=True, slots=True)
class ParentType:
    """A type in a folder that imports this one: GraphQL's graph has circles, our imports have none.

    It is found by name when the schema is built, and `shown_<type>` beside it when a row is shown.
    """

    folder: str
    name: str

    @property
    def type(self) -> Any:
        """For `graphql_type`; it may be null, for what a row belongs to may be heard after the row."""
        return self._named(self.name) | None

    def shown(self, stored: StoredRow[Any] | None) -> Any:
        """The row as that type."""
        show = self._named(f"shown_{self.name.lower()}").resolve_type()
        return None if stored is None else show(stored)

    def _named(self, name: str) -> LazyType[Any, Any]:
        return LazyType(name, f"projections.read_models.{self.folder}.graphql")
