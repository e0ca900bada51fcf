"""The reference lists what the code has, no more and no less."""

from __future__ import annotations

import re

import click
import pytest
from pydantic import BaseModel

from agentspec.api.errors import Exit
from agentspec.cli.main import cli
from agentspec.plan.scope import META
from agentspec.spec import shapes
from agentspec.spec.controller_shapes import CONTROLLERS
from agentspec.spec.expressions.filters import FILTERS
from agentspec.spec.expressions.operators import TESTS
from agentspec.spec.parse import RESERVED
from agentspec.spec.types.words import SCALARS

from .fences import ROOT, codes, section

REFERENCE = ROOT / "docs" / "reference"
LANGUAGE, CLI, EXPRESSIONS = (REFERENCE / name for name in ("language.md", "cli.md", "expressions.md"))
CONTEXT = click.Context(cli, info_name="agentspec")
NAMES = cli.list_commands(CONTEXT)


def fields(shape: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in shape.model_fields.items()}


def own(shape: type[BaseModel], base: type[BaseModel]) -> set[str]:
    return fields(shape) - fields(base)


def test_every_command_has_a_section() -> None:
    sections = re.findall(r"^## agentspec (\S+)$", CLI.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(sections) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_options_of_a_command_are_all_described(name: str) -> None:
    command = cli.get_command(CONTEXT, name)
    assert command is not None
    commands = command.commands.values() if isinstance(command, click.Group) else [command]
    options = {
        word for one in commands for param in one.params if isinstance(param, click.Option) for word in param.opts
    }
    described = codes(section(CLI, f"## agentspec {name}"))
    assert {word.split()[0] for word in described if word.startswith("-")} == options


def test_the_choices_of_options_are_all_described() -> None:
    for name in NAMES:
        command = cli.get_command(CONTEXT, name)
        assert command is not None
        described = codes(section(CLI, f"## agentspec {name}"), 1)
        for option in command.params:
            if isinstance(option.type, click.Choice):
                assert set(option.type.choices) <= described, f"{name} {option.name}"


def test_every_exit_code_is_described() -> None:
    text = section(CLI, "## Exit codes")
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)} == set(Exit) - {5}
    assert "5 (tests failed)" in text


def test_every_filter_and_test_is_described() -> None:
    assert codes(section(EXPRESSIONS, "## Filters")) == set(FILTERS)
    assert codes(section(EXPRESSIONS, "## Tests")) == set(TESTS)


def test_every_field_of_meta_is_described() -> None:
    text = section(EXPRESSIONS, "## Names")
    row = next(line for line in text.split("\n") if line.startswith("| `meta.<node>`"))
    assert set(re.findall(r"`(\w+)`", row)) == set(META["properties"])


def test_every_key_of_a_spec_is_described() -> None:
    assert codes(section(LANGUAGE, "## One file, one agent")) == fields(shapes.SpecShape)


def test_every_field_of_a_node_is_described() -> None:
    kinds = {"lm:", "tool:", "controller:"}
    assert codes(section(LANGUAGE, "## Nodes")) == fields(shapes.NodeShape) | kinds
    assert codes(section(LANGUAGE, "## LM nodes")) == own(shapes.LmShape, shapes.NodeShape)


@pytest.mark.parametrize("word", list(CONTROLLERS))
def test_every_field_of_a_controller_is_described(word: str) -> None:
    shape = CONTROLLERS[word]
    text = section(LANGUAGE, f"### {word}")
    blocks = fields(shapes.BlockShape) | {"controller"}
    for field in own(shape, shapes.NodeShape) - blocks:
        assert re.search(rf"`{field}:?`", text), field


def test_every_limit_is_described() -> None:
    assert codes(section(LANGUAGE, "## Limits")) == fields(shapes.Limits)


def test_every_built_in_type_is_described() -> None:
    assert {*SCALARS, "null"} <= codes(section(LANGUAGE, "## Types"))


def test_reserved_names_are_listed() -> None:
    text = re.sub(r"\s+", " ", section(LANGUAGE, "## One file, one agent"))
    listed = re.search(r"may not be one of (.+?)\. A node", text)
    assert listed is not None
    assert set(re.findall(r"`(\w+)`", listed[1])) == RESERVED


def test_all_that_comes_later_is_listed() -> None:
    later: set[str] = set()
    for shape in (shapes.SpecShape, shapes.NodeShape, shapes.LmShape, shapes.ToolShape, *CONTROLLERS.values()):
        later |= shape.later
    assert codes(section(LANGUAGE, "## What comes later"), 1) == later
