"""What is written as YAML is read back as the same data."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspec.spec.source import Source, Where
from agentspec.spec.text.emit import emit
from agentspec.spec.text.loader import load

ODD = (
    *("on", "12:30", "0777", "1e3", "80_000", "true", "null", "~", ".inf", "0x10", "=", "<<", "|", "", "..."),
    *("- a", "a: b", "a:", "a #b", "? a", "${{ x }}", "{a}", "a, b", "'a'", "a\tb\n", "a \n", " a"),
    *("a\n", "a\n\nb\n", "  a\n", "a\n  b\n", "\n", "a\n\n", "a\r\nb\n", "\x85", "\u2028", "\ufeff", "🙂", "\x1b[0m"),
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(ODD)
NAMES = TEXTS.filter(bool)
NUMBERS = st.integers(-(10**17), 10**17) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda some: st.lists(some, max_size=4) | st.dictionaries(NAMES, some, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=5), st.sampled_from(["", "base.yaml:1"]))
def test_what_is_written_is_read_back(data: dict[str, Any], remark: str) -> None:
    text = emit(data, lambda where: remark)
    assert load(Source("a.yaml", text)).data == data


@pytest.mark.parametrize("text", ODD)
def test_odd_texts_stay_texts(text: str) -> None:
    written = emit({"a": text, "b": [text]})
    assert load(Source("a.yaml", written)).data == {"a": text, "b": [text]}
    assert all(line.isprintable() for line in written.split("\n"))


def test_the_form_is_one_that_people_write() -> None:
    data = {
        "name": "desk",
        "types": {"T": {"a": "date | null", "b": []}},
        "prompt": "Say ${{ a }}.\n\n  Now.\n",
        "tests": [{"name": "one", "inputs": {"n": 1}}, "x"],
    }
    places: list[Where] = []
    assert emit(data, lambda where: places.append(where) or "here") == (
        "name: desk  # here\n"
        "types:\n"
        "  T:\n"
        "    a: date | null  # here\n"
        "    b: []  # here\n"
        "prompt: |  # here\n"
        "  Say ${{ a }}.\n"
        "\n"
        "    Now.\n"
        "tests:\n"
        "  - name: one  # here\n"
        "    inputs:\n"
        "      n: 1  # here\n"
        "  - x  # here\n"
    )
    assert places[-1] == ("tests", 1)
