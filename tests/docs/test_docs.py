"""The docs hold what they say: specs check, links lead somewhere, command lines parse."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from agentspec.cli.main import cli
from agentspec.plan import check
from agentspec.registry import Registry
from agentspec.spec.diagnostics import Diagnostic, Severity, SpecInvalid, render_all
from agentspec.spec.parse import parse_text
from agentspec.spec.report import keys
from agentspec.spec.shapes import SpecShape
from agentspec.spec.source import Source
from agentspec.spec.text.loader import load

from .fences import ROOT, Block, blocks, pages, prose

PAGES = pages()
YAML = [block for page in PAGES for block in blocks(page) if block.language in ("yaml", "yml")]
SHELL = [block for page in PAGES for block in blocks(page) if block.language in ("console", "sh", "bash")]
DOCS = ROOT / "docs"
PLUGINS = {"mail": "office", "calendar": "office"}
HEAD = "agentspec: 1\nname: fragment\n"
REST = {
    "agentspec": "agentspec: 1\n",
    "name": "name: fragment\n",
    "inputs": "inputs: {calendar: path, mailbox: path}\n",
    "models": "models: {small: fake/echo}\n",
}


def found_in(text: str, folder: Path) -> tuple[Diagnostic, ...]:
    try:
        found = check(parse_text(text, "docs.yaml", folder), Registry()).diagnostics
    except SpecInvalid as error:
        found = error.diagnostics
    for one in found:
        name = re.fullmatch(r"no plugin `(\w+)` is installed", one.message)
        if name and (ROOT / "plugins" / f"agentspec-{PLUGINS.get(name[1], name[1])}").is_dir():
            pytest.skip(f"{one.message}; install it to check this")
    return found


def embedded(block: Block) -> tuple[str, bool]:
    """A whole spec around a fragment, and whether its names can be checked, too."""
    data = load(Source(str(block), block.text)).data
    if data.keys() <= set(keys(SpecShape)):
        first = next(iter(data.get("models", {"small": ""})))
        rest = {**REST, "nodes": f"nodes: {{say: {{lm: {first}, prompt: Hello.}}}}\n"}
        return block.text + "".join(text for key, text in rest.items() if key not in data), True
    if all(isinstance(one, dict) and one.keys() & {"lm", "tool", "controller"} for one in data.values()):
        return f"{HEAD}nodes:\n{indented(block.text, 2)}", False
    return f"{HEAD}nodes:\n  fragment:\n    lm: small\n{indented(block.text, 4)}", False


def indented(text: str, width: int) -> str:
    return "".join(f"{' ' * width}{line}" if line.strip() else line for line in text.splitlines(keepends=True))


def test_every_block_says_what_it_is() -> None:
    kinds = {(), ("bad",), ("fragment",)}
    strange = [str(one) for one in YAML if one.words not in kinds and one.words[0] != "fails"]
    assert not strange
    marks = [
        str(one) for one in YAML if one.page.is_relative_to(DOCS) and not one.words and "agentspec:" not in one.text
    ]
    assert not marks, "a part of a spec is marked `yaml fragment`"


WARNINGS = {"AS403", "AS410", "AS412", "AS413", "AS415"}


@pytest.mark.parametrize("block", [one for one in YAML if one.words != ("bad",)], ids=str)
def test_a_spec_is_clean(block: Block) -> None:
    whole = block.words != ("fragment",) and re.search(r"^agentspec:", block.text, re.MULTILINE)
    text, complete = (block.text, True) if whole else embedded(block)
    if complete:
        found = found_in(text, block.page.parent)
        if not whole:  # what a part gives, and whether it is read, is for the rest of the spec to say
            found = tuple(one for one in found if one.code not in ("AS403", "AS404"))
        assert not found, render_all(found)
    else:
        parse_text(text, str(block))


@pytest.mark.parametrize("block", [one for one in YAML if one.words == ("bad",)], ids=str)
def test_a_bad_spec_is_reported(block: Block) -> None:
    found = found_in(block.text, block.page.parent)
    assert found
    assert found[0].severity is Severity.ERROR or found[0].code in WARNINGS


def links(page: Path) -> list[str]:
    text = re.sub(r"`[^`]*`", "", prose(page))
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:", link)]


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page}: {link}"
        assert target.is_relative_to(ROOT), f"{page}: {link}"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{page}: {link}"


def test_every_page_of_the_docs_is_reached_from_the_index() -> None:
    reached, waiting = set[Path](), [DOCS / "README.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        targets = [(page.parent / link.partition("#")[0]).resolve() for link in links(page)]
        waiting += [one for one in targets if one.suffix == ".md" and one not in reached and one.is_file()]
        reached.update(one for target in targets if target.is_dir() for one in target.glob("*.md"))
    assert {page for page in PAGES if page.is_relative_to(DOCS)} <= reached


def command_lines() -> list[tuple[str, str]]:
    found = []
    for block in SHELL:
        for number, line in enumerate(block.text.split("\n"), block.line + 1):
            shown = line.removeprefix("$ ") if block.language == "console" else line
            if block.language != "console" or line.startswith("$ "):
                found += [(f"{block.page.relative_to(ROOT)}:{number}", part) for part in re.split(r"&&|\|\||;", shown)]
    for page in PAGES:
        text = re.sub(r"\s+", " ", prose(page))
        found += [(str(page.relative_to(ROOT)), code) for code in re.findall(r"`(agentspec [^`]+)`", text)]
    return [(place, line.strip()) for place, line in found if re.match(r"\s*(\S*/)?agentspec\b(?!-)", line)]


COMMANDS = command_lines()
NAMES = cli.list_commands(click.Context(cli))


def test_there_are_command_lines() -> None:
    assert len(COMMANDS) > 40


@pytest.mark.parametrize(("place", "line"), COMMANDS, ids=[f"{place} {line}" for place, line in COMMANDS])
def test_a_command_line_parses(place: str, line: str) -> None:
    words = shlex.split(re.split(r"\s[0-9]?[>|]|\s#", line)[0])[1:]
    if words == ["--version"] or words[0] == "COMMAND":
        return
    if ":" not in place and words[1:] == []:  # a sentence that speaks of a command
        assert words[0] in NAMES
        return
    context = click.Context(cli, info_name="agentspec")
    command = cli.get_command(context, words[0])
    assert command is not None, f"{place}: there is no command {words[0]}"
    command.make_context(words[0], words[1:], parent=context)


@pytest.mark.parametrize("form", ["text", "mermaid", "dot", "svg"])
@pytest.mark.parametrize(
    "block", [one for one in YAML if "agentspec: 1" in one.text and one.words != ("bad",)], ids=str
)
def test_a_spec_can_be_drawn(block: Block, form: str) -> None:
    from agentspec.plan import draw

    plan = check(parse_text(block.text, "docs.yaml", block.page.parent), Registry()).plan
    if plan is None:
        pytest.skip("a plugin is not installed")
    makers = {"text": draw.as_text, "mermaid": draw.as_mermaid, "dot": draw.as_dot, "svg": draw.as_svg}
    assert plan.block.nodes[0].id in makers[form](draw.picture(plan))
