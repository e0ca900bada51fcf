"""Older files become files of this version, and all that a person wrote around it stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspec.spec.diagnostics import SpecInvalid
from agentspec.spec.migrate import migrate
from agentspec.spec.parse import parse_text
from agentspec.spec.source import Source
from agentspec.spec.text.emit import emit
from agentspec.spec.text.loader import load

DRAFT = """\
# yaml-language-server: $schema=./.agentspec/schema.json
#
# A draft, with comments everywhere.

name:   draft          # spaces   stay
inputs: { note : string ,  n: integer, many: [string] }   # an odd flow style
models: {small: fake/echo}   # {{ not }} a template

types:
    # four spaces here
    Sorted:   {topic: a | b}

nodes:

  sort:   # the first
    "llm":   'small'
    prompt: |
      Sort {{ inputs.note }}, answer as {"a": {"b": {{ inputs.n }}}}.
        {{inputs.n}} ${{ inputs.note }} ${{inputs.n}}
    output: Sorted    # a type

  each:
    controller: map   # a controller
    over: "{{ inputs.many }}"
    nodes:
      inner: {model: small, prompt: 'It''s {{ item }}'}   # short
    outputs: "{{ inner }}"
  act:
    controller: switch
    on: sort.topic
    cases:
      a: {llm: small, prompt: "say \\"{{ sort.topic }}\\""}
      # a comment between
      b:
        nodes:
          last:
            model: small
            prompt: >-
              folded
              {{ inputs.note }}
        outputs: {text: "{{ last }}", outputs: 1}
  twice:
    controller: switch
    cases:
    - {when: "{{ inputs.n }} > 1", model: small, prompt: Hello.}
    default: {model: small, prompt: Bye.}

outputs:
    model: "{{ act | default('') }}"
    # the end
"""

VERSION_1 = """\
# yaml-language-server: $schema=./.agentspec/schema.json
#
# A draft, with comments everywhere.

agentspec: 1
name:   draft          # spaces   stay
inputs: { note : string ,  n: integer, many: [string] }   # an odd flow style
models: {small: fake/echo}   # {{ not }} a template

types:
    # four spaces here
    Sorted:   {topic: a | b}

nodes:

  sort:   # the first
    lm:   'small'
    prompt: |
      Sort ${{ inputs.note }}, answer as {"a": {"b": ${{ inputs.n }}}}.
        ${{inputs.n}} ${{ inputs.note }} ${{inputs.n}}
    output: Sorted    # a type

  each:
    controller: map   # a controller
    over: "${{ inputs.many }}"
    nodes:
      inner: {lm: small, prompt: 'It''s ${{ item }}'}   # short
    result: "${{ inner }}"
  act:
    controller: switch
    on: sort.topic
    cases:
      a: {lm: small, prompt: "say \\"${{ sort.topic }}\\""}
      # a comment between
      b:
        nodes:
          last:
            lm: small
            prompt: >-
              folded
              ${{ inputs.note }}
        result: {text: "${{ last }}", outputs: 1}
  twice:
    controller: switch
    cases:
    - {when: "${{ inputs.n }} > 1", lm: small, prompt: Hello.}
    default: {lm: small, prompt: Bye.}

result:
    model: "${{ act | default('') }}"
    # the end
"""


def migrated(text: str) -> str:
    return migrate(Source("a.yaml", text)).text


def test_a_draft_full_of_comments() -> None:
    assert migrated(DRAFT) == VERSION_1
    assert parse_text(VERSION_1).fields.name == "draft"


def test_what_is_of_this_version_stays_as_it_is() -> None:
    assert migrated(VERSION_1) == VERSION_1
    text = "agentspec: 1\nname: x\nnodes: {a: {model: m, prompt: '{{ x }}'}}\noutputs: 1\n"
    assert migrated(text) == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("agentspec: 0 # old\nname: x\n", "agentspec: 1 # old\nname: x\n"),
        ('name: x\nagentspec:   "1"\n', "name: x\nagentspec:   1\n"),
        ("agentspec: '0'\n", "agentspec: 1\n"),
        ("agentspec:\nname: x\n", "agentspec: 1\nname: x\n"),
        ("agentspec: ~\n", "agentspec: 1\n"),
        ("{name: x}\n", "{agentspec: 1, name: x}\n"),
        ("{}\n", "{agentspec: 1, }\n"),
        ("---\n# c\nname: x\n", "---\n# c\nagentspec: 1\nname: x\n"),
        ("name: x\r\noutputs: 1\r\n", "agentspec: 1\r\nname: x\r\nresult: 1\r\n"),
        (
            "name: caf\u00e9 \U0001f642\noutputs: '{{ x }}'",
            "agentspec: 1\nname: caf\u00e9 \U0001f642\nresult: '${{ x }}'",
        ),
    ],
)
def test_the_version_is_written(before: str, after: str) -> None:
    assert migrated(before) == after


@pytest.mark.parametrize(
    "part",
    [
        "nodes: {a: {lm: m, model: x}}",  # two kinds, or an option of the same name
        "nodes: {a: {tool: t.go, with: {model: x, llm: y, outputs: z}}}",
        "nodes: {a: {llm: m, model: x}}",
        "types: {T: {model: string, llm: string, outputs: string}}",
        "models: {llm: fake/echo, model: fake/echo}",
        "result: 1\noutputs: 2",
        "nodes: {a: {lm: m, prompt: '${{ x }} {{{ y }}} {{ }} {{ 1 }} { { a } } {{a'}}",
        "nodes: {a: {lm: m, prompt: Hello., output: {nodes: string, outputs: string, default: {model: string}}}}",
        "nodes: [1, {model: x}]",
        "nodes: {a: {lm: m, prompt: Hello., outputs: string, default: {model: x}, cases: [{model: x}]}}",
        "nodes: {a: [model]}",
    ],
)
def test_what_only_looks_like_a_draft_stays(part: str) -> None:
    assert migrated(f"agentspec: 0\n{part}\n") == f"agentspec: 1\n{part}\n"


def test_what_an_alias_repeats_is_edited_once() -> None:
    assert migrated("nodes: {a: &n {llm: m, prompt: '{{ x }}'}, b: *n}\n") == (
        "agentspec: 1\nnodes: {a: &n {lm: m, prompt: '${{ x }}'}, b: *n}\n"
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("agentspec: 2\n", "AS206"),
        ("agentspec: '2'\n", "AS206"),
        ("agentspec_version: 25.4.1\n", "AS205"),
        ("name: [\n", "AS103"),
        ("nodes: {a: {llm: m, prompt: {{ x }}}}\n", "AS109"),
    ],
)
def test_what_cannot_be_migrated_is_reported(text: str, code: str) -> None:
    with pytest.raises(SpecInvalid) as caught:
        migrated(text)
    assert caught.value.code == code


WORDS = st.sampled_from(["llm", "model", "outputs", "nodes", "cases", "default", "controller", "a", "{{ x }}", "# c"])
TREES = st.recursive(WORDS, lambda some: st.lists(some, max_size=3) | st.dictionaries(WORDS, some, max_size=4))


@given(st.dictionaries(WORDS, TREES))
def test_any_draft_is_of_this_version_afterwards_and_migrating_again_changes_nothing(data: dict[str, object]) -> None:
    after = migrated(emit(data) if data else "{}\n")
    assert load(Source("a.yaml", after)).data["agentspec"] == 1
    assert migrated(after) == after


@pytest.mark.parametrize("version", ["0", '"1"', "'0'"])
def test_the_checker_names_the_command(version: str) -> None:
    with pytest.raises(SpecInvalid) as caught:
        parse_text(f"agentspec: {version}\nname: x\n")
    [found] = caught.value.diagnostics
    assert (found.code, found.label) == ("AS206", "`agentspec migrate` rewrites the file")
