"""Specs of several files, and what options may read: meaning, places, and the variables that are named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from agentspec.plan import check
from agentspec.spec.diagnostics import Diagnostic, render
from agentspec.spec.parse import parse_file

from .conftest import SmallCatalogue, underlined

REST = "agentspec: 1\nname: x\nmodels: {m: fake/echo}\nnodes: {say: {lm: m, prompt: Hello.}}\n"
Problems = Callable[..., list[tuple[str, str]]]


def files(folder: Path, **texts: str) -> Path:
    """Write files, `__` in a name for `/`; the one called `agent` is the spec."""
    (folder / "pyproject.toml").touch()
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "agent.yaml"


def at(diagnostic: Diagnostic) -> tuple[str, str, str]:
    return diagnostic.code, Path(diagnostic.source.name).name, underlined(diagnostic)


def test_a_prompt_file_is_relative_to_the_file_that_names_it(tmp_path: Path) -> None:
    agent = files(
        tmp_path,
        mine__agent="extends: ../shared/base.yaml\nnodes: {own: {lm: m, prompt: {file: say.md}}}\nresult: ${{ own }}\n",
        shared__base=REST.replace("prompt: Hello.", "prompt: {file: say.md}"),
    ).parent
    for folder in ("mine", "shared"):
        (agent / folder / "say.md").write_text(f"From {folder}.", encoding="utf-8")
    plan = check(parse_file(agent / "mine" / "agent.yaml"), SmallCatalogue()).plan
    assert plan is not None
    texts = {node.id: node.work.messages[0][1](lambda name: None) for node in plan.block.nodes}
    assert texts == {"say": "From shared.", "own": "From mine."}


def test_a_prompt_file_may_not_leave_the_folder_of_the_file_that_names_it(tmp_path: Path) -> None:
    agent = files(
        tmp_path,
        agent="extends: shared/base.yaml\n",
        shared__base=REST.replace("prompt: Hello.", "prompt: {file: ../secret.md}"),
    )
    (tmp_path / "secret.md").write_text("secret", encoding="utf-8")
    found = check(parse_file(agent), SmallCatalogue()).diagnostics
    assert [at(one) for one in found] == [("AS311", "base.yaml", "../secret.md")]


def test_problems_of_meaning_stand_in_the_file_of_their_text(tmp_path: Path) -> None:
    agent = files(
        tmp_path,
        agent='extends: base.yaml\nnodes:\n  two: {lm: m, prompt: "${{ say.wrd }}"}\n',
        base=REST.replace("prompt: Hello.", 'prompt: "${{ inputs.x }}", output: T') + "include: types.yaml\n",
        types="types:\n  # the only one\n  T: {word: string}\n",
    )
    found = check(parse_file(agent), SmallCatalogue()).diagnostics
    assert [at(one) for one in found] == [("AS301", "agent.yaml", "wrd"), ("AS301", "base.yaml", "x")]
    [note] = found[0].notes
    assert note.source is not None
    assert (note.source.lines[note.span.line - 1], Path(note.source.name).name) == (
        "  T: {word: string}",
        "types.yaml",
    )
    assert f"::: {tmp_path}/types.yaml:3:3\n" in render(found[0])
    assert "3 |   T: {word: string}\n" in render(found[0])


HEAD = "agentspec: 1\nname: x\ninputs: {who: string}\n"
NODES = 'nodes: {say: {lm: m, prompt: "Hello ${{ inputs.who }}."}}\n'


@pytest.mark.parametrize(
    "option",
    [
        "${{ env.WHO }}",
        "${{ secrets.WHO }}",
        "${{ env['WHO'] }}",
        "${{ env.WHO | default('nobody') }}",
        "Bearer ${{ secrets.WHO }}",
        "${{ inputs.who }}",
    ],
)
def test_options_read_the_environment_by_name(option: str, problems: Problems) -> None:
    assert problems(NODES, f'{HEAD}models: {{m: {{use: fake/echo, file: "{option}"}}}}\n') == []


@pytest.mark.parametrize(
    ("option", "word"),
    [
        ("${{ env }}", "env"),
        ("${{ secrets | tojson }}", "secrets"),
        ("${{ env[inputs.who] }}", "env"),
        ("${{ env | length }}", "env"),
        ("${% if env %}x{% endif %}", "env"),
    ],
)
def test_the_environment_is_not_read_as_a_whole(option: str, word: str, problems: Problems) -> None:
    assert problems(NODES, f'{HEAD}models: {{m: {{use: fake/echo, file: "{option}"}}}}\n') == [("AS216", word)]


def test_a_variable_is_a_text_and_has_no_fields(problems: Problems) -> None:
    found = problems(NODES, HEAD + 'models: {m: {use: fake/echo, file: "${{ env.WHO.name }}"}}\n')
    assert found == [("AS301", "name")]


@pytest.mark.parametrize("word", ["env", "secrets"])
def test_nodes_do_not_read_the_environment(word: str, checked: Callable[..., object]) -> None:
    text = f'nodes: {{say: {{lm: m, prompt: "${{{{ {word}.WHO }}}}"}}}}\n'
    [found] = checked(text, f"{HEAD}models: {{m: fake/echo}}\n").diagnostics
    assert (found.code, underlined(found)) == ("AS302", word)
    assert "only under `models:` and `tools:`" in found.message
    assert "`inputs`" in found.label
