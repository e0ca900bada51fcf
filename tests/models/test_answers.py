"""From a model's text to a value that fits, and how sure the model was."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspec.api import Reply, TokenLogprob
from agentspec.api.schema import fill_absent
from agentspec.models.answers import read_answer, repair_messages
from agentspec.models.confidence import confidence

SCHEMA = {
    "type": "object",
    "properties": {
        "kind": {"enum": ["a", "b"]},
        "n": {"type": "integer"},
        "due": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
    },
    "required": ["kind", "n"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    "text", ['{"kind": "a", "n": 1}', '```json\n{"kind": "a", "n": 1}\n```', ' {"n":1,"kind":"a","due":null}']
)
def test_an_answer_that_fits_is_a_value_with_null_for_what_is_absent(text):
    answer = read_answer(Reply(text), SCHEMA)
    assert answer.problems == ()
    assert answer.value == {"kind": "a", "n": 1, "due": None}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        '{"kind": "c", "n": 1}',
        '{"kind": "a", "n": "1"}',
        '{"kind": "a"}',
        '{"kind": "a", "n": 1, "x": 2}',
        '{"kind": "a", "n": NaN}',
        '{"kind": "a", "n": 1, "due": "2026-02-31"}',
        '{"kind": "a", "n": 1',
        "[" * 100_000,
    ],
)
def test_an_answer_that_does_not_fit_gives_reasons_and_no_value_to_use(text):
    assert read_answer(Reply(text), SCHEMA).problems


def test_a_cut_answer_is_never_taken():
    assert "max_tokens" in read_answer(Reply('{"kind": "a", "n": 1}', finish="length"), SCHEMA).problems[0]


def test_a_repair_shows_the_model_its_answer_and_the_reasons():
    reply = Reply('{"kind": "c"}')
    own, correction = repair_messages(reply, read_answer(reply, SCHEMA).problems, SCHEMA)
    assert (own.role, own.content) == ("assistant", '{"kind": "c"}')
    assert '"n" is a required property' in correction.content


@given(st.text(max_size=200))
def test_no_text_at_all_gives_a_value_that_does_not_fit(text):
    answer = read_answer(Reply(text), SCHEMA)
    assert answer.problems or set(answer.value) == {"kind", "n", "due"}


def tokens(*pairs: tuple[str, float]) -> list[TokenLogprob]:
    return [TokenLogprob(text, math.log(share)) for text, share in pairs]


def test_confidence_counts_values_and_not_the_scaffolding():
    given_tokens = tokens(
        ('{"', 0.1), ("kind", 0.1), ('":"', 0.1), ("a", 0.8), ('","n":', 0.1), ("12", 0.5), ("}", 0.1)
    )
    assert confidence(given_tokens, structured=True) == pytest.approx(0.4)


def test_a_key_that_looks_like_a_value_is_no_value():
    given_tokens = tokens(('{"true"', 0.1), (": ", 0.1), ("true", 0.9), ("}", 0.1))
    assert confidence(given_tokens, structured=True) == pytest.approx(0.9)


def test_confidence_of_free_text_does_not_fall_with_its_length():
    assert confidence(tokens(*[("word ", 0.5)] * 50), structured=False) == pytest.approx(0.5)


def test_without_log_probabilities_confidence_is_unknown():
    assert confidence(None, structured=True) is None
    assert confidence([], structured=False) is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    ),
    st.data(),
)
def test_confidence_is_a_probability_for_every_json_text_however_it_is_cut(value, data):
    text = json.dumps(value, ensure_ascii=False)
    cuts = sorted(data.draw(st.sets(st.integers(1, max(len(text) - 1, 1)), max_size=8)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    sure = confidence([TokenLogprob(piece, -0.25) for piece in pieces], structured=True)
    assert sure is not None
    assert 0.0 < sure <= 1.0


def test_absent_fields_are_filled_deep_inside_and_the_rest_is_left_alone():
    inner = {"type": "object", "properties": {"x": {"anyOf": [{"type": "integer"}, {"type": "null"}]}, "y": {}}}
    schema = {"type": "array", "items": inner}
    assert fill_absent([{"y": 1}, {"x": 2}], schema) == [{"y": 1, "x": None}, {"x": 2}]
