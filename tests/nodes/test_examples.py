"""`examples:`: shown to the model as earlier turns, and held to the type of the answer."""

from __future__ import annotations

from typing import Any

import pytest

from agentspec.spec.diagnostics import SpecInvalid

from .voices import Choir, compiled, sung

EXAMPLES = "examples: [{input: one, output: %s}, {input: two, output: %s}]"


def turns(node: str, answer: Any) -> list[tuple[str, str]]:
    choir = Choir(a=[answer])
    sung(f"models: {{a: say/a}}\nnodes:\n  ask: {{lm: a, {node}}}\n", choir)
    return [(message.role, message.content) for message in choir.asked[0][1].messages]


def test_examples_of_texts_are_turns_before_the_prompt() -> None:
    node = f"system: Be short., prompt: three, {EXAMPLES % ('eins', 'zwei')}"
    assert turns(node, "drei") == [
        ("system", "Be short."),
        ("user", "one"),
        ("assistant", "eins"),
        ("user", "two"),
        ("assistant", "zwei"),
        ("user", "three"),
    ]


def test_examples_of_a_type_are_shown_as_json() -> None:
    node = f"prompt: three, output: {{n: integer, word: string | null}}, {EXAMPLES % ('{n: 1}', '{n: 2, word: zwö}')}"
    assert turns(node, {"n": 3}) == [
        ("user", "one"),
        ("assistant", '{"n": 1}'),
        ("user", "two"),
        ("assistant", '{"n": 2, "word": "zwö"}'),
        ("user", "three"),
    ]


def test_examples_come_before_a_conversation_and_never_within_it() -> None:
    written = "[{role: system, content: s}, {role: user, content: u}, {role: assistant, content: a}]"
    found = turns(f"messages: {written}, examples: [{{input: i, output: o}}]", "x")
    assert [content for _, content in found] == ["s", "i", "o", "u", "a"]


def test_the_text_of_an_example_is_no_template() -> None:
    node = "prompt: hi, examples: [{input: 'a ${{ b }}', output: 'c {% d %}'}]"
    assert turns(node, "x")[:2] == [("user", "a ${{ b }}"), ("assistant", "c {% d %}")]


@pytest.mark.parametrize(
    ("node", "wrong"),
    [
        ("prompt: hi, examples: [{input: a, output: 3}]", "3"),
        (
            "prompt: hi, output: {n: integer}, examples: [{input: a, output: {n: 1}}, {input: b, output: {n: x}}]",
            "{n: x}",
        ),
        ("prompt: hi, output: x | y, examples: [{input: a, output: z}]", "z"),
    ],
)
def test_an_example_that_does_not_fit_is_reported_where_it_stands(node: str, wrong: str) -> None:
    with pytest.raises(SpecInvalid) as caught:
        compiled(f"models: {{a: say/a}}\nnodes:\n  ask: {{lm: a, {node}}}\n", Choir())
    (found,) = caught.value.diagnostics
    assert found.code == "AS308"
    assert found.span is not None
    line = found.source.lines[found.span.line - 1]
    assert line[found.span.column - 1 : found.span.end_column - 1] == wrong
