"""The names of HTTP and GraphQL interfaces, one line each."""

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    build_schema,
    is_introspection_type,
    is_specified_scalar_type,
)

from projections.api.schema import build_schema as served_schema
from shared.framework.http.authorization import scopes_of

SKIPPED = {"title"}
"""Keys of OpenAPI that repeat a name in other letters."""


def route_names(app: FastAPI) -> Iterator[str]:
    """`<METHOD> <path> <scopes>` of every route, those outside OpenAPI too."""
    for route in iter_route_contexts(app.routes):
        for method in sorted(route.methods or ()):
            yield " ".join((method, route.path or "", *sorted(scopes_of(route))))


def openapi_names(app: FastAPI) -> Iterator[str]:
    """Every leaf of the OpenAPI document under its path: names, references, values, descriptions, bounds."""
    return _leaves(app.openapi(), "")


def graphql_names() -> Iterator[str]:
    """Types, fields with their arguments and types, enum values, and the descriptions of all."""
    schema = build_schema(served_schema().as_str())
    for kind in schema.type_map.values():
        if not is_introspection_type(kind) and not is_specified_scalar_type(kind):
            yield _described(kind.name, kind.description)
            yield from _members(kind)


def _leaves(node: Any, path: str) -> Iterator[str]:
    if isinstance(node, Mapping):
        model = node.get("properties", {}).get("model", {}).get("enum")
        path = f"price {model[0]}" if model else path  # listed once, not wherever a price may be
        for key, value in node.items():
            if path == "info" or not (key in SKIPPED and isinstance(value, str)):
                yield from _leaves(value, f"{path} {key}".strip())
    elif isinstance(node, list) and any(isinstance(one, Mapping) for one in node):
        for one in node:
            yield from _leaves(one, f"{path} {one.get('name', '')}".strip())
    else:
        yield f"{path}: {node}"


def _members(kind: GraphQLNamedType) -> Iterator[str]:
    if isinstance(kind, GraphQLEnumType):
        for value, member in kind.values.items():
            yield _described(f"{kind.name}.{value}", member.description)
    if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        for name, field in kind.fields.items():
            yield _described(f"{kind.name}.{name}: {field.type}", field.description)
            for argument, declared in field.args.items():
                yield _described(f"{kind.name}.{name}({argument}: {declared.type})", declared.description)
    if isinstance(kind, GraphQLInputObjectType):
        for name, declared in kind.fields.items():
            yield _described(f"{kind.name}.{name}: {declared.type}", declared.description)


def _described(name: str, description: str | None) -> str:
    return f"{name} # {description}" if description else name
