"""Specs from text, checked against a catalogue of small toolsets."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from pydantic import BaseModel

from agentspec.api import BackendFactory, Options, Toolset
from agentspec.api.errors import PluginMissing
from agentspec.plan import Checked, check
from agentspec.spec.diagnostics import Diagnostic
from agentspec.spec.parse import parse_text
from agentspec.testing import fake

shop = Toolset("shop", "Things to buy.")


class Item(BaseModel):
    name: str
    price: float
    stock: int | None = None


class ShopOptions(Options):
    currency: str = "EUR"


shop.options = ShopOptions


@shop.tool(effect="read")
def find(words: str, most: int = 3, since: date | None = None) -> list[Item]:
    """Find items."""
    return []


@shop.tool(effect="write")
def buy(item: str, count: int) -> str:
    """Buy an item."""
    return item


class SmallCatalogue:
    def backend(self, use: str) -> BackendFactory:
        if use == "fake":
            return fake.agentspec_register_backends()[0]
        raise PluginMissing(f"no plugin `{use}` is installed", hint="install it")

    def toolset(self, use: str) -> Toolset:
        if use == "shop":
            return shop
        raise PluginMissing(f"no plugin `{use}` is installed", hint="install it")


HEAD = """\
agentspec: 1
name: test
inputs: {who: string, n: integer, day: date, people: "[string]"}
types: {Sorted: {kind: a | b | c, score: number, due: date | null}}
models: {m: fake/echo}
tools: {shop: shop}
"""


@pytest.fixture
def checked() -> Callable[[str], Checked]:
    """Check a spec of which only `nodes:` and what follows is given."""

    def run(text: str, head: str = HEAD, folder: Path = Path()) -> Checked:
        return check(parse_text(head + textwrap.dedent(text), "test.yaml", folder), SmallCatalogue())

    return run


@pytest.fixture
def problems(checked: Callable[[str], Checked]) -> Callable[[str], list[tuple[str, str]]]:
    """Check a spec; give each diagnostic as its code and the text that it underlines."""

    def run(text: str, head: str = HEAD) -> list[tuple[str, str]]:
        return [(one.code, underlined(one)) for one in checked(text, head).diagnostics]

    return run


def underlined(diagnostic: Diagnostic) -> str:
    assert diagnostic.span is not None
    line = diagnostic.source.lines[diagnostic.span.line - 1]
    return line[diagnostic.span.column - 1 : diagnostic.span.end_column - 1]
