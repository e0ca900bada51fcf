"""Every event is the same after it was written and read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspec.api.errors import Exit, JournalFailed, JournalUnreadable
from agentspec.api.events import Event, Failure, Meta, Question, StepFailed, StepPaused, StepSucceeded
from agentspec.journal.codec import decode, encode

any_text = st.text(st.characters(codec=None))  # half surrogate pairs, too
numbers = st.integers() | st.floats(allow_nan=False)
data = st.recursive(
    st.none() | st.booleans() | numbers | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=20,
)
maybe = st.none() | any_text
failures = st.builds(
    Failure, any_text, any_text, any_text, maybe, maybe, st.sampled_from(Exit), st.booleans(), st.none() | numbers
)
metas = st.builds(
    Meta,
    st.none() | numbers,
    maybe,
    st.none() | numbers,
    st.integers(),
    st.integers(),
    st.integers(),
    st.integers(),
    numbers,
    maybe,
)
questions = st.builds(Question, data, st.lists(any_text).map(tuple), any_text, st.none() | numbers, maybe)
TYPES: dict[Any, st.SearchStrategy[Any]] = {
    type(None): st.none(),
    bool: st.booleans(),
    int: st.integers(),
    float: numbers,
    str: any_text,
    Any: data,
    Failure: failures,
    Meta: metas,
    Question: questions,
    tuple[str, ...]: st.lists(any_text).map(tuple),
    Mapping[str, Any]: st.dictionaries(any_text, data),
}


def any_of(kind: type[Any]) -> st.SearchStrategy[Any]:
    return st.builds(kind, *map(field, get_type_hints(kind).values()))


def field(hint: Any) -> st.SearchStrategy[Any]:
    if hint in TYPES:
        return TYPES[hint]
    if get_origin(hint) is Literal:
        return st.sampled_from(get_args(hint))
    assert get_args(hint), f"nobody knows what a {hint} may be"
    return st.one_of(map(field, get_args(hint)))


@pytest.mark.parametrize("kind", get_args(Event), ids=lambda kind: kind.__name__)
@given(st.data())
def test_an_event_is_read_as_it_was_written(kind: type[Any], data: st.DataObject) -> None:
    event = data.draw(any_of(kind))
    text = encode(event)
    text.encode("ascii")
    read = decode(kind.__name__, text)
    assert read == event
    assert types(read) == types(event)


def types(value: Any) -> Any:
    """The classes of an event's parts: a tuple equals a named tuple, and an `Exit` its number."""
    if isinstance(value, tuple):
        return type(value), [types(item) for item in value]
    return type(value)


def test_a_row_of_an_older_release_lacks_fields_that_have_a_default() -> None:
    assert decode("StepPaused", '["ok",1,[null,["yes"]],5.0]') == StepPaused("ok", 1, Question(None, ("yes",)), 5.0)
    assert decode("StepSucceeded", '["a",1,[]]') == StepSucceeded("a", 1, Meta())


@pytest.mark.parametrize("text", ["", "{}", "[", "[1]", '["a",1,3]', '["a",1,[1,2,3,4,5,6,7,8,9,10]]', "null"])
def test_what_is_no_event_is_unreadable(text: str) -> None:
    with pytest.raises(JournalUnreadable):
        decode("StepSucceeded", text)


def test_an_unknown_event_is_unreadable() -> None:
    with pytest.raises(JournalUnreadable, match="StepDreamt"):
        decode("StepDreamt", "[]")


def test_an_unknown_exit_code_is_unreadable() -> None:
    failure = list(Failure("a", "AS601", "no"))
    failure[Failure._fields.index("exit")] = 99
    with pytest.raises(JournalUnreadable):
        decode("StepFailed", json.dumps(["a", 1, failure]))
    assert StepFailed("a", 1, Failure("a", "AS601", "no")) == decode("StepFailed", '["a",1,["a","AS601","no"]]')


def test_a_value_that_is_no_json_is_refused_with_the_name_of_its_step() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    for value in (object(), {1, 2}, deep, b"bytes", 10**5000):
        with pytest.raises(JournalFailed, match="each"):
            encode(StepSucceeded("each[3]/sort", value, Meta()))
