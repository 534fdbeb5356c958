"""What a query may cost: refused before any resolver runs, however it is knotted out of fragments."""

from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationContext,
    ValidationRule,
    VariableNode,
)
from strawberry.extensions import AddValidationRules

from projections.graphql.connections import PAGE_MAX

DEPTH_MAX = 8
"""Selections inside selections; the outermost is at depth 0."""
ALIASES_MAX = 15
TOKENS_MAX = 1000
ROWS_MAX = 25_000
PAGE_SIZE_WHEN_UNKNOWN = 20
"""How many rows a page holds when `first` is not given."""


@dataclass(frozen=True, slots=True)
class QueryCost:
    """Of a selection, for one parent: how deep it goes, its aliases, and how many rows it may read.

    `of_page`: it asks for the edges of a page, by itself or through fragments.
    """

    depth: int = 0
    aliases: int = 0
    rows: int = 0
    of_page: bool = False

    def beside(self, other: "QueryCost") -> "QueryCost":
        """Both together."""
        return QueryCost(
            max(self.depth, other.depth),
            self.aliases + other.aliases,
            self.rows + other.rows,
            self.of_page or other.of_page,
        )


class QueryCostRule(ValidationRule):
    """Judges each operation as a whole.

    Every fragment is weighed once: weighing it at each spread would take the time that is to be saved.
    A page size in a variable counts as the largest, so that one judgement holds for every value.
    """

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        definitions = context.document.definitions
        self._fragments = {d.name.value: d for d in definitions if isinstance(d, FragmentDefinitionNode)}
        self._weighed: dict[str, QueryCost] = {}
        for definition in definitions:
            if isinstance(definition, OperationDefinitionNode):
                for complaint in violations(self._cost(definition.selection_set)):
                    context.report_error(GraphQLError(complaint, definition))

    def _cost(self, selected: SelectionSetNode | None) -> QueryCost:
        cost = QueryCost()
        for node in selected.selections if selected else ():
            cost = cost.beside(self._of(node))
        return cost

    def _of(self, node: Any) -> QueryCost:
        if isinstance(node, FragmentSpreadNode):
            return self._of_fragment(node.name.value)
        if not isinstance(node, FieldNode):
            return self._cost(node.selection_set)
        aliases = 1 if node.alias else 0
        if node.selection_set is None or node.name.value.startswith("__"):
            return QueryCost(aliases=aliases)
        inner = self._cost(node.selection_set)
        size = _page_size(node, inner)
        rows = inner.rows if size is None else size * (1 + inner.rows)
        return QueryCost(inner.depth + 1, inner.aliases + aliases, rows, node.name.value == "edges")

    def _of_fragment(self, name: str) -> QueryCost:
        if name not in self._weighed:
            self._weighed[name] = QueryCost()  # a circle of fragments is another rule's to refuse
            fragment = self._fragments.get(name)
            self._weighed[name] = self._cost(fragment.selection_set if fragment else None)
        return self._weighed[name]


def violations(cost: QueryCost) -> list[str]:
    """What is too much about it."""
    limits = (
        ("depth", cost.depth, DEPTH_MAX),
        ("number of aliases", cost.aliases, ALIASES_MAX),
        ("number of rows that could be read", cost.rows, ROWS_MAX),
    )
    return [f"The {what} is {found}; {most} is allowed." for what, found, most in limits if found > most]


def _page_size(node: FieldNode, inner: QueryCost) -> int | None:
    """How many rows a field reads for each of its parents; None for what is no page.

    A size below zero is refused when it is resolved; until then it must not be set off against other rows.
    """
    told = next((argument.value for argument in node.arguments or () if argument.name.value == "first"), None)
    if isinstance(told, IntValueNode):
        return max(0, min(int(told.value[:4]), PAGE_MAX))
    if isinstance(told, VariableNode):
        return PAGE_MAX
    return PAGE_SIZE_WHEN_UNKNOWN if inner.of_page else None


def query_limits() -> AddValidationRules:
    """The extension that adds the rule to a schema; the validation cache knows rules by identity."""
    return AddValidationRules([QueryCostRule])
