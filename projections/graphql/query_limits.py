"""Limits of a query's cost, checked before any resolver runs; a fragment counts wherever it is spread."""

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
from strawberry.extensions import AddValidationRules, MaxTokensLimiter

from projections.graphql.connections import PAGE_MAX

DEPTH_MAX = 8
"""Selections inside selections; the outermost is at depth 0."""
ALIASES_MAX = 15
TOKENS_MAX = 1000
ROWS_MAX = 25_000
LISTS = {"lines": PAGE_MAX}
"""Fields that are a list of rows without pages, with its largest size."""
PAGE_SIZE_WHEN_UNKNOWN = 20
"""The rows of a page without `first` and `last`."""


@dataclass(frozen=True, slots=True)
class QueryCost:
    """The cost of a selection for one parent: its depth, its aliases, and the rows that it may read.

    `of_page`: it selects the edges of a page, by itself or through fragments.
    """

    depth: int = 0
    aliases: int = 0
    rows: int = 0
    of_page: bool = False

    def __add__(self, other: "QueryCost") -> "QueryCost":
        return QueryCost(
            max(self.depth, other.depth),
            self.aliases + other.aliases,
            self.rows + other.rows,
            self.of_page or other.of_page,
        )


class QueryCostRule(ValidationRule):
    """A GraphQL validation rule that limits the cost of each operation.

    The cost of a fragment is computed once: computing it at each spread could take exponential time.
    A page size in a variable counts as the largest, so that one validation holds for every value.
    """

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        definitions = context.document.definitions
        self._fragments = {d.name.value: d for d in definitions if isinstance(d, FragmentDefinitionNode)}
        self._fragment_costs: dict[str, QueryCost] = {}
        for definition in definitions:
            if isinstance(definition, OperationDefinitionNode):
                for violation in violations(self._cost(definition.selection_set)):
                    context.report_error(GraphQLError(violation, definition))

    def _cost(self, selected: SelectionSetNode | None) -> QueryCost:
        cost = QueryCost()
        for node in selected.selections if selected else ():
            cost += self._of(node)
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
        if name not in self._fragment_costs:
            self._fragment_costs[name] = QueryCost()  # circles of fragments are refused by another rule
            fragment = self._fragments.get(name)
            self._fragment_costs[name] = self._cost(fragment.selection_set if fragment else None)
        return self._fragment_costs[name]


def violations(cost: QueryCost) -> list[str]:
    """A sentence for each limit that the cost exceeds."""
    limits = (
        ("depth", cost.depth, DEPTH_MAX),
        ("number of aliases", cost.aliases, ALIASES_MAX),
        ("number of rows that could be read", cost.rows, ROWS_MAX),
    )
    return [f"The {what} is {found}; {most} is allowed." for what, found, most in limits if found > most]


def _page_size(node: FieldNode, inner: QueryCost) -> int | None:
    """The number of rows that a field reads for each of its parents; None if it is no page.

    A negative size counts as 0, so that it lowers no sum; it is refused when the field is resolved.
    """
    given = [one.value for one in node.arguments or () if one.name.value in {"first", "last"}]
    sizes = [
        max(0, min(int(value.value[:4]), PAGE_MAX)) if isinstance(value, IntValueNode) else PAGE_MAX
        for value in given
        if isinstance(value, IntValueNode | VariableNode)
    ]
    return max(sizes, default=PAGE_SIZE_WHEN_UNKNOWN if inner.of_page else LISTS.get(node.name.value))


def token_limit() -> MaxTokensLimiter:
    """The extension that limits the number of tokens, before the query is parsed."""
    return MaxTokensLimiter(TOKENS_MAX)


def cost_limits() -> AddValidationRules:
    """The extension that adds QueryCostRule, a class: the validation cache compares rules by identity."""
    return AddValidationRules([QueryCostRule])
