"""Whatever the bytes are: data, or a `SpecInvalid`; never anything else, and with both parsers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from agentspec.spec.diagnostics import SpecInvalid, render_all
from agentspec.spec.source import Source
from agentspec.spec.text import loader
from agentspec.spec.text.loader import PythonParser, load, read

VALID = """\
agentspec: 1
name: inbox
types:
  Mail: {id: string, sender: string, "subject": string}
  Triage: {category: urgent | meeting, due: date | null}
models: &m
  small: pocket/triage
limits: {usd: 0.05, tokens: 80_000, wall: 2m}
nodes:
  sort:
    lm: small
    prompt: |
      Sort ${{ message.sender }}.
      ${{ message.body }}
    output: [Triage]
  act: {tool: mail.read, with: {path: "${{ inputs.mailbox }}", n: 'it''s'}}
result: >-
  ${{ act }}
other: *m
"""
PIECES = [
    "[",
    "]",
    "{",
    "}",
    ": ",
    "- ",
    "\n",
    "\n  ",
    "\t",
    "'",
    '"',
    "&a ",
    "*a",
    "!x ",
    "|\n",
    ">",
    "#",
    "? ",
    "<<: ",
]
PIECES += [
    "---\n",
    "%",
    "\\",
    "\x00",
    "\ufeff",
    "\u2028",
    "\x85",
    "\r",
    "${{",
    "}}",
    "1e999",
    "0x",
    "~",
    ".nan",
    "é",
    "\U0001f600",
]

yaml_like = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=4)), max_size=60).map("".join)


@pytest.fixture(params=["compiled", "python"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "python":
        monkeypatch.setattr(loader, "_parsers", [PythonParser])


def survives(text: str) -> None:
    try:
        document = load(Source("agent.yaml", text))
    except SpecInvalid as error:
        shown = render_all(error.diagnostics)
        assert all(char == "\n" or char.isprintable() for char in shown)
    else:
        json.dumps(document.data, allow_nan=False).encode()
        document.span(("nodes", "sort", "prompt"))
        for key, value in document.data.items():
            document.key_span((key,))
            if isinstance(value, str):
                document.inner_span((key,), 1, len(value))


@pytest.mark.usefixtures("parser")
@settings(max_examples=150, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(yaml_like)
@example("\ud800: 1")
@example('a: "\\ud800"')
@example("a: 1\x00")
@example("? \n? \n")
@example("&a : *a")
def test_any_text_is_survived(text: str) -> None:
    survives(text)


@pytest.mark.usefixtures("parser")
@settings(max_examples=150, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, len(VALID)), st.integers(0, 30), st.sampled_from(PIECES) | st.text(max_size=3))
def test_a_damaged_spec_is_survived(start: int, length: int, instead: str) -> None:
    survives(VALID[:start] + instead + VALID[start + length :])


@settings(max_examples=100, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_any_bytes_are_survived(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "agent.yaml"
    path.write_bytes(content)
    try:
        load(read(path))
    except SpecInvalid as error:
        assert render_all(error.diagnostics)  # noqa: PT017 - a proper refusal is a good outcome


basic = st.characters(max_codepoint=0xD7FF)  # beyond it JSON escapes in pairs, which YAML does not read
json_data = st.dictionaries(
    st.text(basic, max_size=8),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text(basic, max_size=8),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(basic, max_size=5), inner, max_size=4),
        max_leaves=12,
    ),
    max_size=4,
)


@settings(max_examples=100, deadline=2000)
@given(json_data)
def test_json_reads_as_itself(data: dict[str, object]) -> None:
    assert load(Source("agent.yaml", json.dumps(data, ensure_ascii=True))).data == data


def test_both_parsers_read_a_spec_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = load(Source("agent.yaml", VALID))
    monkeypatch.setattr(loader, "_parsers", [PythonParser])
    assert load(Source("agent.yaml", VALID)).data == compiled.data
