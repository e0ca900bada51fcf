"""Places: of values, of keys, and of characters inside a text."""

from __future__ import annotations

import pytest

from agentspec.spec.source import Source, Span, Where
from agentspec.spec.text.document import Document
from agentspec.spec.text.loader import load

TEXT = """\
agentspec: 1   # a comment
nodes:
  sort:
    lm: &model small
    prompt: |
      Sort this for ${{ inputs.me }}.

        From: ${{ message.sender }}
    other: >-
      folded
      text
    plain: Sort ${{ a.b }} now
    single: 'Sort ${{ a.b }}'
    double: "Sort ${{ a.b }}"
    escaped: "Sort\\t${{ a.b }}"
    quoted: 'it''s ${{ a.b }}'
    many: two
      lines
    empty:
    list: [x, {y: z}]

    # after
  act: {tool: mail}
again: *model
"""


@pytest.fixture
def document() -> Document:
    return load(Source("agent.yaml", TEXT))


def cut(span: Span) -> str:
    lines = TEXT.split("\n")
    if span.line == span.end_line:
        return lines[span.line - 1][span.column - 1 : span.end_column - 1]
    inner = lines[span.line : span.end_line - 1]
    return "\n".join([lines[span.line - 1][span.column - 1 :], *inner, lines[span.end_line - 1][: span.end_column - 1]])


@pytest.mark.parametrize(
    ("where", "text"),
    [
        (("agentspec",), "1"),
        (("nodes", "sort", "lm"), "small"),
        (("again",), "small"),
        (("nodes", "act"), "{tool: mail}"),
        (("nodes", "act", "tool"), "mail"),
        (("nodes", "sort", "list", 1, "y"), "z"),
        (("nodes", "sort", "list", 1), "{y: z}"),
        (("nodes", "sort", "single"), "'Sort ${{ a.b }}'"),
        (("nodes", "sort", "empty"), ""),
        (("nodes", "act", "missing", "more"), "{tool: mail}"),
        (("nodes", "sort", "list", 7), "[x, {y: z}]"),
    ],
)
def test_the_place_of_a_value(document: Document, where: Where, text: str) -> None:
    assert cut(document.span(where)) == text


def test_a_block_ends_with_its_last_value(document: Document) -> None:
    assert cut(document.span(("nodes", "sort"))).endswith("list: [x, {y: z}]")
    assert cut(document.span(("nodes",))).endswith("act: {tool: mail}")


def test_the_place_of_a_key(document: Document) -> None:
    assert document.key_span(("nodes", "sort", "plain")) == Span(12, 5, 12, 10)
    assert cut(document.key_span(("nodes", "sort", "list", 0))) == "x"
    assert document.key_span(()) == document.span(())


@pytest.mark.parametrize("field", ["prompt", "plain", "single", "double"])
def test_characters_inside_a_text_are_located_exactly(document: Document, field: str) -> None:
    value = document.data["nodes"]["sort"][field]
    for word in ("${{", "}}", "inputs.me", "sender", "a.b", "now", "From"):
        if word in value:
            start = value.index(word)
            span = document.inner_span(("nodes", "sort", field), start, start + len(word))
            assert cut(span) == word


def test_a_stretch_over_several_lines_of_a_literal_block(document: Document) -> None:
    value = document.data["nodes"]["sort"]["prompt"]
    span = document.inner_span(("nodes", "sort", "prompt"), 0, len(value) - 1)
    assert (span.line, span.column) == (6, 7)
    assert span.end_line == 8


@pytest.mark.parametrize("field", ["other", "escaped", "quoted", "many"])
def test_where_the_text_is_written_differently_the_whole_value_is_meant(document: Document, field: str) -> None:
    where = ("nodes", "sort", field)
    assert document.inner_span(where, 3, 5) == document.span(where)


def test_offsets_outside_of_the_text_do_no_harm(document: Document) -> None:
    where = ("nodes", "sort", "plain")
    assert document.inner_span(where, -5, 5_000) == document.span(where)
    assert document.inner_span(("nodes",), 3, 9) == document.span(("nodes",))


def test_columns_count_characters_and_every_kind_of_line_break() -> None:
    document = load(Source("agent.yaml", "a: '\U0001f600é'\r\nb: {c: ü, d: x}\rc: 3\n"))
    assert document.data["c"] == 3
    assert document.span(("b", "d")) == Span(2, 14, 2, 15)
    assert document.span(("c",)) == Span(3, 4, 3, 5)


def test_an_indented_block_with_an_explicit_indentation() -> None:
    document = load(Source("agent.yaml", "a: |2-\n    two more\n  none\n"))
    assert document.data == {"a": "  two more\nnone"}
    assert document.inner_span(("a",), 2, 5) == Span(2, 5, 2, 8)
    assert document.inner_span(("a",), 11, 15) == Span(3, 3, 3, 7)
