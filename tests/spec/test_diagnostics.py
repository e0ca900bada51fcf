"""How problems are shown to people. The forms for programs: `test_formats.py`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspec.api.errors import Exit
from agentspec.spec.diagnostics import (
    Diagnostic,
    Note,
    Severity,
    SpecInvalid,
    render,
    render_all,
    suggest,
)
from agentspec.spec.source import Source, Span


def at(text: str, line: int, column: int, length: int, label: str = "", **more: object) -> Diagnostic:
    span = Span(line, column, line, column + length)
    return Diagnostic("AS301", "a message", Source("agent.yaml", text), span, label, **more)  # type: ignore[arg-type]


def test_the_example_of_the_style_guide() -> None:
    lines = [""] * 40
    lines[37] = "        on: sort.categry"
    lines[13] = "  Triage: {category: urgent | meeting | newsletter | other, reply_needed: boolean}"
    diagnostic = Diagnostic(
        "AS301",
        "`act` reads `sort.categry`, which `Triage` does not have",
        Source("agents/inbox/agent.yaml", "\n".join(lines)),
        Span(38, 18, 38, 25),
        "did you mean `category`?",
        (Note(Span(14, 12, 14, 20), "the fields of `Triage` are defined here"),),
    )
    assert render(diagnostic) == "\n".join(
        [
            "error[AS301]: `act` reads `sort.categry`, which `Triage` does not have",
            "  --> agents/inbox/agent.yaml:38:18",
            "   |",
            "38 |         on: sort.categry",
            "   |                  ^^^^^^^ did you mean `category`?",
            "  ...",
            "14 |   Triage: {category: urgent | meeting | newsletter | other, reply_needed: boolean}",
            "   |            -------- the fields of `Triage` are defined here",
            "   = docs: agentspec explain AS301",
        ]
    )


def test_a_note_on_the_next_line_follows_without_a_gap() -> None:
    note = Note(Span(2, 1, 2, 2), "here")
    assert render(at("a: 1\nb: 2", 1, 1, 1, notes=(note,))).split("\n")[2:-1] == [
        "  |",
        "1 | a: 1",
        "  | ^",
        "2 | b: 2",
        "  | - here",
    ]


def test_a_note_on_the_same_line_does_not_repeat_it() -> None:
    note = Note(Span(1, 4, 1, 5), "here")
    assert render(at("a: 1", 1, 1, 1, notes=(note,))).split("\n")[3:-1] == ["1 | a: 1", "  | ^", "  |    - here"]


def test_a_problem_of_the_whole_file_has_no_frame() -> None:
    diagnostic = Diagnostic("AS110", "the file cannot be read", Source("agent.yaml", ""), None)
    assert render(diagnostic).split("\n") == [
        "error[AS110]: the file cannot be read",
        " --> agent.yaml",
        "  = docs: agentspec explain AS110",
    ]


def test_a_span_over_lines_is_marked_to_the_end_of_its_first_line() -> None:
    diagnostic = Diagnostic("AS203", "m", Source("a", "a: {b: 1,\n  c: 2}"), Span(1, 4, 2, 8))
    assert "  |    ^^^^^^" in render(diagnostic).split("\n")


def test_nothing_reaches_the_terminal_unescaped() -> None:
    text = "a: \x1b[31m\u202e\u200b\x07b"
    shown = render(
        Diagnostic(
            "AS203",
            "key `\x1b]0;x\x07`\n",
            Source("\x1b.yaml", text),
            Span(1, 4, 1, 5),
            "\x9b",
            (Note(Span(1, 1, 1, 2), "\r"),),
        )
    )
    assert all(char == "\n" or char.isprintable() for char in shown)
    assert "a: \\x1b[31m\\u202e\\u200b\\x07b" in shown


def caret_is_under(shown: str, word: str) -> bool:
    lines = shown.split("\n")
    source, caret = lines[3], lines[4]
    return source[caret.index("^") :].startswith(word)


def test_carets_are_aligned_behind_tabs_and_escapes() -> None:
    assert caret_is_under(render(at("\t\x1bword", 1, 3, 4)), "word")


def test_carets_are_aligned_behind_wide_characters() -> None:
    lines = render(at("日本: word", 1, 5, 4)).split("\n")
    assert lines[4].index("^") == 4 + len("日本: ") + 2  # two columns each


@pytest.mark.parametrize("before", [0, 50, 90, 500, 100_000])
@pytest.mark.parametrize("after", [0, 200])
def test_long_lines_are_cut_around_the_caret(before: int, after: int) -> None:
    shown = render(at("x" * before + "word" + "y" * after, 1, before + 1, 4))
    assert caret_is_under(shown, "word")
    assert max(map(len, shown.split("\n"))) < 120


def test_the_order_is_that_of_the_file_and_the_end_counts() -> None:
    text = "a\nb\nc"
    found = [
        at(text, 3, 1, 1),
        at(text, 1, 1, 1, severity=Severity.WARNING),
        at(text, 2, 1, 1),
        Diagnostic("AS110", "whole", Source("agent.yaml", text), None),
    ]
    shown = render_all(found)
    heads = [line for line in shown.split("\n") if "[AS" in line]
    assert heads == [
        "error[AS110]: whole",
        "warning[AS301]: a message",
        "error[AS301]: a message",
        "error[AS301]: a message",
    ]
    assert shown.endswith("\n\n3 errors, 1 warning")
    assert render_all([]) == "no problems found"


def test_spec_invalid_speaks_for_its_first_problem() -> None:
    error = SpecInvalid(
        [at("a\nb", 2, 1, 1), Diagnostic("AS105", "twice", Source("agent.yaml", "a"), Span(1, 1, 1, 2))]
    )
    assert (error.code, error.exit) == ("AS105", Exit.SPEC_INVALID)
    assert error.message == "agent.yaml:1:1: twice (and 1 more)"
    assert SpecInvalid.code != "AS105"


@pytest.mark.parametrize(
    ("word", "candidates", "meant"),
    [
        ("categry", ["category", "reply_needed"], "category"),
        ("Category", ["category"], "category"),
        ("promt", ["prompt", "output", "lm"], "prompt"),
        ("desc", ["description", "default"], "description"),
        ("xyz", ["category", "output"], None),
        ("", ["a"], None),
        ("a" * 5000, ["a" * 5001], None),
        ("same", ["same"], None),
    ],
)
def test_suggestions_are_close_or_absent(word: str, candidates: list[str], meant: str | None) -> None:
    assert suggest(word, candidates) == meant


@given(st.text(max_size=300), st.integers(1, 5), st.integers(1, 400), st.integers(0, 400), st.text(max_size=5))
def test_any_text_and_place_can_be_shown(text: str, line: int, column: int, length: int, label: str) -> None:
    shown = render(at(text, line, column, length, label))
    assert all(char == "\n" or char.isprintable() for char in shown)
