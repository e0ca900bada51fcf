"""What a person sees while writing a spec, told by the real yaml-language-server.

The client has no settings: the first line of a file is all that the server has to go by.
"""

from __future__ import annotations

import itertools

import pytest

from .lsp import Editor, File

MODELINE = "# yaml-language-server: $schema=./.agentspec/schema.json\n"
HEAD = f"{MODELINE}agentspec: 1\nname: test\n"
NUMBERS = itertools.count()


def opened(editor: Editor, text: str, head: str = HEAD) -> File:
    return editor.open(head + text, f"agent{next(NUMBERS)}.yaml")


def offered(editor: Editor, text: str, head: str = HEAD) -> dict[str, str]:
    """What is offered where `|>` stands in a text, with what it would insert."""
    before, _, after = (head + text).partition("|>")
    file = opened(editor, before + after, head="")
    line = before.count("\n")
    items = file.completions(line, len(before) - before.rfind("\n") - 1)
    return {label: item.get("insertText", "") for label, item in items.items()}


def problems(editor: Editor, text: str) -> list[tuple[int, str]]:
    """Each problem with its line, counted from the first one of the text."""
    return sorted((line - HEAD.count("\n"), message) for line, message in opened(editor, text).problems())


NODE = {"description", "when", "after", "timeout", "retry", "on_error"}


def test_the_keys_of_a_file_are_offered(editor: Editor) -> None:
    assert set(offered(editor, "|>", head=MODELINE)) >= {"agentspec", "inputs", "models", "tools", "limits", "nodes"}


def test_without_the_modeline_nothing_is_known(editor: Editor) -> None:
    assert offered(editor, "nodes:\n  a:\n    |>", head="agentspec: 1\n") == {}
    assert opened(editor, "nods: {}\n", head="agentspec: 1\n").problems() == []


def test_a_node_without_a_kind_is_offered_kinds(editor: Editor) -> None:
    found = offered(editor, "nodes:\n  a:\n    |>")
    assert set(found) >= {"lm", "tool", "controller", *NODE}
    assert not set(found) & {"prompt", "with", "over"}


def test_an_lm_node_is_offered_its_own_fields(editor: Editor) -> None:
    found = offered(editor, "nodes:\n  a:\n    lm: small\n    |>")
    assert set(found) >= {"prompt", "system", "output", "max_tokens", *NODE}
    assert not set(found) & {"lm", "tool", "with", "controller", "over", "cases", "nodes"}


def test_a_field_that_is_half_written_is_offered(editor: Editor) -> None:
    found = offered(editor, "nodes:\n  a:\n    lm: small\n    pro|>")
    assert found["prompt"].startswith("prompt:")


def test_a_tool_node_and_a_controller_are_offered_theirs(editor: Editor) -> None:
    tool = offered(editor, "nodes:\n  a:\n    tool: mail.read\n    |>")
    assert "with" in tool
    assert not set(tool) & {"prompt", "over", "nodes"}
    controller = offered(editor, "nodes:\n  a:\n    controller: map\n    |>")
    assert set(controller) >= {"over", "as", "concurrency", "nodes", *NODE}
    assert not set(controller) & {"prompt", "with", "cases", "until"}
    assert set(offered(editor, "nodes:\n  a:\n    controller: new/one\n    |>")) >= {"nodes", "max_calls", *NODE}


def test_fields_are_offered_deep_inside(editor: Editor) -> None:
    deep = "nodes:\n  a:\n    controller: map\n    over: x\n    nodes:\n      b:\n        lm: s\n        |>"
    found = offered(editor, deep)
    assert "prompt" in found
    assert "over" not in found


def test_a_spec_that_extends_another_is_offered_the_keys_of_all_kinds(editor: Editor) -> None:
    found = offered(editor, "extends: ./base.yaml\nnodes:\n  a:\n    |>")
    assert set(found) >= {"prompt", "with", "over", "timeout"}
    assert problems(editor, "extends: ./base.yaml\nnodes:\n  a:\n    prompt: x\n  b:\n") == []


def test_the_tools_of_plugins_are_offered_with_their_arguments(editor: Editor) -> None:
    assert set(offered(editor, "nodes:\n  a:\n    tool: |>")) >= {"mail.read", "mail.draft", "calendar.free"}
    assert set(offered(editor, "nodes:\n  a:\n    tool: mail.read\n    with:\n      |>")) >= {"path", "limit"}


def test_a_model_that_is_made_of_others_is_offered_its_own_keys(editor: Editor) -> None:
    assert set(offered(editor, "models:\n  best:\n    |>")) >= {
        "use",
        "cascade",
        "fallback",
        "route",
        "split",
        "shadow",
    }
    found = offered(editor, "models:\n  best:\n    cascade: [a, b]\n    |>")
    assert "accept" in found
    assert not set(found) & {"use", "with", "threads"}


def test_the_models_of_backends_are_offered_with_their_options(editor: Editor) -> None:
    assert set(offered(editor, "models:\n  small: |>")) >= {"fake/echo", "pocket/triage"}
    options = offered(editor, "models:\n  small:\n    use: pocket/triage\n    |>")
    assert set(options) >= {"threads", "context"}
    assert "answers" not in options, "an option of another backend"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("nodes:\n  a:\n    controller: |>", {"switch", "map", "loop"}),
        ("nodes:\n  a:\n    lm: small\n    on_error: |>", {"fail", "skip"}),
        ("nodes:\n  a:\n    lm: small\n    output: |>", {"string", "date"}),
        ("limits:\n  |>", {"usd", "lm_calls", "tokens", "steps", "wall"}),
        ("nodes:\n  |>", {"LM node", "tool node", "map"}),
    ],
)
def test_values_and_skeletons_are_offered(editor: Editor, text: str, wanted: set[str]) -> None:
    assert set(offered(editor, text)) >= wanted


def test_a_good_spec_has_no_problems(editor: Editor) -> None:
    text = """models: {small: pocket/triage}
tools: {mail: mail}
limits: {tokens: 80_000, wall: 1h30m}
nodes:
  read: {tool: mail.read, with: {path: week.mbox}}
  sort: {lm: small, prompt: "${{ read }}", output: low | high, when: on, timeout: 5m, retry: {on: [timeout]}}
"""
    assert problems(editor, text) == []


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("nodes:\n  a:\n    lm: small\n    promt: x\n", 3, "Property promt is not allowed."),
        ("nods: {}\nnodes: {a: {lm: s, prompt: x}}\n", 0, "Property nods is not allowed."),
        ("nodes:\n  a:\n    lm: s\n    prompt: x\n    on_error: skp\n", 4, '"fail", "skip"'),
        ("nodes:\n  a:\n    controller: mpa\n    over: x\n", 2, '"switch", "map", "loop"'),
        ("nodes:\n  a:\n    lm: s\n    prompt: x\n    timeout: 3 min\n", 4, "A duration is written like 30s"),
        ("nodes:\n  a:\n    description: x\n", 1, "lm or tool or controller"),
        ("nodes:\n  a:\n    tool: mail.read\n    with:\n      pth: x\n      path: y\n", 4, "Property pth"),
        ("models:\n  s: {casade: [a, b]}\nnodes: {a: {lm: s, prompt: x}}\n", 1, "casade"),
        ("nodes:\n  a:\n    lm: s\n    prompt: x\n    retry: {tmes: 3}\n", 4, "Property tmes"),
        ("nodes:\n  a:\n    lm: s\n    prompt: {fil: x}\n", 3, "Property fil "),
        ("models:\n  s:\n    use: pocket/triage\n    treads: 2\nnodes: {a: {lm: s, prompt: x}}\n", 3, "treads"),
    ],
)
def test_a_mistake_is_underlined_where_it_is(editor: Editor, text: str, line: int, message: str) -> None:
    found = problems(editor, text)
    assert {where for where, _ in found} == {line}, found
    assert any(message in text for _, text in found), found


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("timeout:", "The step is cancelled after this long"),
        ("over:", "over: read.messages"),
        ("prompt:", "What the model is asked"),
        ("threads:", "CPU threads"),
        ("nodes:", "The steps: name and node"),
        ("path:", "An mbox file or a maildir"),
    ],
)
def test_a_key_shows_what_it_means(editor: Editor, word: str, shown: str) -> None:
    text = """models: {small: {use: pocket/triage, threads: 2}}
nodes:
  read: {tool: mail.read, with: {path: week.mbox}}
  each:
    controller: map
    timeout: 5m
    over: read.messages
    nodes:
      sort: {lm: small, prompt: Sort.}
"""
    assert shown in opened(editor, text).hover(word)
