"""JSON inside a text: what is found, what is left alone, and that no text takes long."""

from __future__ import annotations

import json
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspec.api import Reply, TokenLogprob
from agentspec.models.answers import DEEPEST_ANSWER, LONGEST_ANSWER, read_answer, repair_messages
from agentspec.models.confidence import confidence
from agentspec.models.extract import MOST_VALUES, values_in
from agentspec.models.toolcalls import read_turn

KIND = {
    "type": "object",
    "properties": {"kind": {"enum": ["a", "b"]}, "ok": {"type": "boolean"}},
    "required": ["kind"],
    "additionalProperties": False,
}
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
STRUCTURES = st.lists(VALUES, max_size=4) | st.dictionaries(st.text(max_size=5), VALUES, max_size=4)
PROSE = st.text(st.characters(exclude_characters="[]{}", exclude_categories=["Cs"]), max_size=60)


@given(STRUCTURES, PROSE, PROSE, st.sampled_from(["", "```", "```json\n", "~~~\n"]), st.sampled_from([None, 2]))
def test_a_value_inside_prose_and_fences_is_found_exactly(value, before, after, fence, indent):
    text = f"{before}\n{fence}{json.dumps(value, indent=indent)}\n{fence[:3]}{after}"
    ((found, start, end),) = values_in(text)
    assert (found, text[start:end].strip()) == (value, json.dumps(value, indent=indent))
    answer = read_answer(Reply(text), {})
    assert json.dumps(answer.value) == json.dumps(value)


@given(PROSE)
def test_a_text_without_a_value_gives_a_problem(text):
    assert read_answer(Reply(f"Well, {text}"), {}).problems


@given(st.text(st.sampled_from('[]{},:"“”\\ \n1aeNTrue`<'), max_size=200))
def test_whatever_is_found_fits_and_is_json(text):
    answer = read_answer(Reply(text), KIND)
    assert answer.problems or answer.value["kind"] in ("a", "b")
    for one in values_in(text):
        json.dumps(one.value, allow_nan=False)


@pytest.mark.parametrize(
    "text",
    [
        'Sure! Here it is:\n```json\n{"kind": "a", "ok": true}\n```\nAnything else?',
        'As [1] says {see below}: {"kind": "a", "ok": true}.',
        '{"kind": "a", "ok": true,}',
        '{"kind": "a", "ok": True}',
        "{“kind”: “a”, “ok”: true}",
        '```\n{"x": 1}\n```\nor rather\n```\n{"kind": "a", "ok": true}\n```',
        '{"kind": "a", "ok": true} {"ok": true, "kind": "a"}',
        '<think>{"kind": "b"} or not?</think>\n{"kind": "a", "ok": true}',
        '{"kind": "a", "ok": true}}',
    ],
)
def test_what_can_mean_only_one_thing_is_read(text):
    answer = read_answer(Reply(text), KIND)
    assert (answer.problems, answer.value) == ((), {"kind": "a", "ok": True})
    start, end = answer.span
    assert text[start] == "{"
    assert text[end - 1] == "}"


@pytest.mark.parametrize(
    "text",
    [
        "{'kind': 'a'}",
        "{kind: a}",
        '{"kind": "a"',
        '{"kind": "a" "ok": true}',
        '{"x": {"kind": "a"} oops',
        '{"kind": "a",, "ok": true}',
        '[,] {"kind"}',
        '{"kind": "a", "ok": NaN} {"kind": "a", "ok": 1e999}',
        "the kind is a",
    ],
)
def test_what_could_mean_something_else_is_not(text):
    assert read_answer(Reply(text), KIND).problems


def test_of_several_different_answers_none_is_taken():
    (problem,) = read_answer(Reply('{"kind": "a"} or {"kind": "b"}'), KIND).problems
    assert "2 different JSON values" in problem


def test_what_does_not_fit_is_told_for_the_last_value():
    (problem,) = read_answer(Reply('{"x": 1}, I mean: {"kind": "c"}'), KIND).problems
    assert '"c"' in problem


def test_a_number_is_taken_out_of_a_fence_and_not_out_of_prose():
    for text in ("```\n42\n```", "\ufeff\n```json\n 42```  ", "<think>7</think>\n```\n42\n```"):
        answer = read_answer(Reply(text), {"type": "integer"})
        assert answer.value == 42
        assert text[slice(*answer.span)].strip() == "42"
    assert read_answer(Reply("It is 42."), {"type": "integer"}).problems


def test_json_with_a_mark_at_its_beginning_is_json():
    answer = read_answer(Reply('\ufeff{"kind": "a"}'), KIND)
    assert (answer.value["kind"], answer.span) == ("a", None)


def test_half_of_a_surrogate_pair_and_deep_nesting_are_problems_and_no_crash():
    assert "no text" in read_answer(Reply('{"kind": "\\ud800"}'), KIND).problems[0]
    deep = "[" * (DEEPEST_ANSWER + 1) + "]" * (DEEPEST_ANSWER + 1)
    assert "nested" in read_answer(Reply(deep), {}).problems[0]
    assert read_answer(Reply(deep[1:-1]), {}).problems == ()
    assert read_answer(Reply("1e999"), {}).problems


N = LONGEST_ANSWER // 10


@pytest.mark.parametrize(
    "text",
    [
        "[" * N,
        "{" * N,
        '[{"a":' * (N // 6),
        '["' * (N // 2),
        "[" + "1," * (N // 2),
        "[ " + " " * N,
        "```\n" + " " * N,
        "[“" * (N // 2),
        "[" + "1" * N + "x",
        '["' + "\\" * N,
        "[" * (N // 2) + "]" * (N // 2),
        "{}" * (N // 2),
        "<think>" * (N // 7),
    ],
    ids=range(13),
)
def test_a_hostile_text_takes_no_time_and_gives_a_problem(text):
    started = time.process_time()
    assert read_answer(Reply(text), KIND).problems
    assert time.process_time() - started < 2, "a quadratic search takes minutes"


def test_a_very_long_answer_is_a_clear_problem():
    reply = Reply("[" + "1," * 5_000_000)
    started = time.process_time()
    (problem,) = read_answer(reply, KIND).problems
    assert time.process_time() - started < 0.5
    assert "10,000,001 characters, more than 1,000,000" in problem
    own, _ = repair_messages(reply, (problem,), KIND)
    assert len(own.content) < 21_000


def test_too_many_values_are_a_problem():
    assert f"more than {MOST_VALUES}" in read_answer(Reply('{"kind": "a"}\n' * 30), KIND).problems[0]


def test_confidence_of_an_extracted_answer_is_that_of_its_values_alone():
    tokens = [
        ("It is 7: ", 0.1),
        ("“no”", 0.1),
        ("{“kind”: ", 0.1),
        ("“a”", 0.5),
        (", “ok”: ", 0.1),
        ("True", 0.8),
        ("}", 0.1),
    ]
    reply = Reply("".join(text for text, _ in tokens))
    answer = read_answer(reply, KIND)
    logprobs = [TokenLogprob(text, math.log(share)) for text, share in tokens]
    assert confidence(logprobs, structured=True, span=answer.span) == pytest.approx(0.4)


@pytest.mark.parametrize("text", ['So: {"answer": 1,}', 'I need this: {"tool": "look", "arguments": {"day": None}}'])
def test_a_turn_that_was_extracted_says_so(text):
    turn = read_turn(Reply(text), {"type": "integer"}, native=False)
    assert turn.problems == ()
    assert turn.span is not None
    native = read_turn(Reply("So: [1,]"), {"type": "array"}, native=True)
    assert (native.value, native.span) == ({"answer": [1]}, (4, 8))
