"""Product modules and the strings in their source, for names that no declaration lists."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType
from typing import Any, TypeVar

import projections
import services
import shared
import tollhouse

PACKAGES = (services, projections, shared, tollhouse)
UNKNOWN = "*"
"""Stands for a part of a string that only a run knows."""

T = TypeVar("T")


@cache
def product_modules() -> tuple[ModuleType, ...]:
    """Every module of the product, imported; test modules and scripts (`__main__`) are left out."""
    names = [
        found.name
        for package in PACKAGES
        for found in walk_packages(package.__path__, f"{package.__name__}.", onerror=_fail)
        if not {"tests", "testing", "conftest", "__main__"} & set(found.name.split("."))
    ]
    return tuple(import_module(name) for name in names)


def subclasses(parent: type[T]) -> list[type[T]]:
    """All classes of product modules that derive from `parent`, directly or not."""
    ours = {module.__name__ for module in product_modules()}
    found = []
    for child in parent.__subclasses__():
        found += [child] if child.__module__ in ours else []
        found += subclasses(child)
    return list(dict.fromkeys(found))


@cache
def tree_of(module: ModuleType) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))


def trees() -> Iterator[tuple[ModuleType, ast.Module]]:
    """Every product module with its syntax tree."""
    return ((module, tree_of(module)) for module in product_modules())


def calls(name: str) -> Iterator[tuple[ModuleType, ast.Call]]:
    """Every call of a function, method or class of this name in the product."""
    for module, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _called(node) == name:
                yield module, node


def functions_with_a_call(name: str) -> Iterator[tuple[ModuleType, ast.AST, ast.Call]]:
    """Every function that calls something of this name, with the call."""
    for module, tree in trees():
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                for node in ast.walk(function):
                    if isinstance(node, ast.Call) and _called(node) == name:
                        yield module, function, node


def classes_named(tree: ast.AST, module: ModuleType) -> Iterator[type[Any]]:
    """The classes of the same module that a tree names."""
    for node in ast.walk(tree):
        found = getattr(module, node.id, None) if isinstance(node, ast.Name) else None
        if isinstance(found, type) and found.__module__ == module.__name__:
            yield found


def text(node: ast.AST, module: ModuleType) -> str:
    """The string that an expression is, `*` for each part that is known only at run time."""
    match node:
        case ast.JoinedStr(values=parts):
            return "".join(text(part, module) for part in parts)
        case ast.FormattedValue(value=part):
            return text(part, module)
        case _:
            value = _value(node, module)
            return value if isinstance(value, str) else UNKNOWN


def strings(tree: ast.AST, module: ModuleType) -> Iterable[str]:
    """All string literals and f-strings of a tree, docstrings left out."""
    docstrings = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if (is_text or isinstance(node, ast.JoinedStr)) and id(node) not in docstrings:
            yield text(node, module)


def dictionary_keys(tree: ast.AST, module: ModuleType) -> Iterable[str]:
    """The keys of all dictionaries that are written out in a tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            yield from (text(key, module) for key in node.keys if key is not None)


def _fail(name: str) -> None:
    raise ImportError(name)


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _value(node: ast.AST, module: ModuleType) -> object:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return getattr(module, name, None)
        case ast.Attribute(value=owner, attr=name):
            return getattr(_value(owner, module), name, None)
        case _:
            return None
