"""What the loader accepts, what it refuses, and where it says that the problem is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agentspec.spec.diagnostics import Diagnostic, SpecInvalid
from agentspec.spec.source import Source, Span
from agentspec.spec.text.loader import MAX_BYTES, load, read


def data(text: str) -> dict[str, Any]:
    return load(Source("agent.yaml", text)).data


def problems(text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(SpecInvalid) as caught:
        load(Source("agent.yaml", text))
    return caught.value.diagnostics


def marked(diagnostic: Diagnostic) -> str:
    """The characters under the caret."""
    span = diagnostic.span
    assert span is not None
    line = diagnostic.source.lines[span.line - 1]
    return line[span.column - 1 : span.end_column - 1 if span.end_line == span.line else None]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("No", "No"),
        ("True", "True"),
        ("12:30", "12:30"),
        ("0777", "0777"),
        ("1_0", "1_0"),
        ("1_000_00", "1_000_00"),
        ("2024-01-31", "2024-01-31"),
        ("80_000", 80_000),
        ("1_000_000", 1_000_000),
        ("-3", -3),
        ("0", 0),
        ("0x1f", 31),
        ("0o17", 15),
        ("0.05", 0.05),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("1.2.3", "1.2.3"),
        ("'1'", "1"),
        ('"true"', "true"),
        ("x", "x"),
        ("${{ a.b }}", "${{ a.b }}"),
    ],
)
def test_scalars_follow_yaml_1_2(written: str, meant: object) -> None:
    value = data(f"a: {written}")["a"]
    assert value == meant
    assert type(value) is type(meant)


def test_keys_are_taken_as_written() -> None:
    assert data("{on: 1, no: 2, 1: 3, 1.0: 4, true: 5, null: 6, 'quoted': 7, 12:30: 8}") == {
        "on": 1, "no": 2, "1": 3, "1.0": 4, "true": 5, "null": 6, "quoted": 7, "12:30": 8,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code", "under_the_caret"),
    [
        ("a: .inf", "AS109", ".inf"),
        ("a: -.inf", "AS109", "-.inf"),
        ("a: .nan", "AS109", ".nan"),
        ("a: 1e999", "AS109", "1e999"),
        ("a: 12345678901234567890", "AS109", "12345678901234567890"),
        ("a: !!python/object:os.system {}", "AS109", "!!python/object:os.system {}"),
        ("a: !foo b", "AS109", "!foo b"),
        ("a: !!str 1", "AS109", "!!str 1"),
        ("<<: {a: 1}", "AS109", "<<"),
        ("{a: 1}: b", "AS109", "{a: 1}"),
        ("? [a]\n: b", "AS109", "[a]"),
        ("a: {{ x }}", "AS109", "{ x }"),
        ("? \n: 1", "AS109", ""),
        ("- a", "AS108", ""),
        ("text", "AS108", ""),
        ("", "AS108", ""),
        ("# nothing\n", "AS108", ""),
        ("a: 1\n---\nb: 2", "AS108", "-"),
        ("a:\n\tb: 1", "AS104", "\t"),
        ("a:\n  b: 1\n  \tc: 2", "AS104", "\t"),
        ("a: 'open\nb: 1", "AS103", "'"),
        ('a: "open', "AS103", '"'),
        ("a: b: c", "AS103", ":"),
        ("a: [1, 2", "AS103", "["),
        ("a: {b: 1", "AS103", "{"),
        ("a: {b: ${{ x }} }", "AS103", "${{"),
        ("a: @b", "AS103", "@"),
        ("a: `b`", "AS103", "`"),
        ("a: *b", "AS103", "*"),
        ("name:inbox\nb: 1", "AS103", "name:inbox"),
        ("a:\n  b: 1\n c: 1", "AS103", "c"),
        ('a: "\\q"', "AS103", "\\"),
        ("a: \x07", "AS103", "\x07"),
        ("a: \ufeffb", "AS103", "\ufeff"),
        ("a: &x [*x]", "AS106", "[*x]"),
        ("a: &x {b: {c: *x}}", "AS106", "{b: {c: *x}}"),
    ],
)
def test_problems_of_the_text_stand_under_the_caret(text: str, code: str, under_the_caret: str) -> None:
    found = problems(text)
    assert [one.code for one in found][:1] == [code]
    assert marked(found[0]) == under_the_caret


def test_a_key_written_twice_shows_both_places() -> None:
    (found,) = problems('a: 1\nb: 2\n"a": 3\n')
    assert found.code == "AS105"
    assert found.span == Span(3, 1, 3, 4)
    assert [note.span for note in found.notes] == [Span(1, 1, 1, 2)]


def test_all_problems_are_reported_at_once_in_the_order_of_the_file() -> None:
    found = problems("a: .inf\nb: {c: 1, c: 2}\nd: !x y\n<<: 1\n")
    assert [(one.code, one.span.line if one.span else 0) for one in found] == [
        ("AS109", 1),
        ("AS105", 2),
        ("AS109", 3),
        ("AS109", 4),
    ]


def test_aliases_are_expanded() -> None:
    assert data("a: &x {b: [1]}\nc: *x\nd: [*x, *x]")["d"] == [{"b": [1]}, {"b": [1]}]


def test_an_alias_bomb_is_counted_and_not_expanded() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 40)]
    assert {one.code for one in problems("\n".join(lines))} <= {"AS106", "AS107"}


def test_aliases_cannot_nest_deeper_than_the_cap() -> None:
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 100))]
    assert [one.code for one in problems("\n".join(lines))] == ["AS107"]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "[{a: "])
@pytest.mark.parametrize("times", [70, 200_000 // 5])
def test_deep_nesting_is_refused_before_it_can_do_harm(opening: str, times: int) -> None:
    assert [one.code for one in problems(f"a:\n  {opening * times}")] == ["AS107"]


def test_depth_up_to_the_cap_is_fine() -> None:
    assert data("a: " + "[" * 63 + "]" * 63)


def test_too_many_values_are_refused() -> None:
    assert [one.code for one in problems("a: [" + "1," * 200_000 + "]")] == ["AS106"]


@pytest.mark.parametrize("sign", list("[]{}:,-?&*!|>'\"%@`#~ \n\ta\\"))
def test_a_large_file_of_one_character_ends_quickly(sign: str) -> None:
    try:
        load(Source("agent.yaml", "a: " + sign * 300_000))
    except SpecInvalid as error:
        assert error.diagnostics  # noqa: PT017 - either way is fine, hanging or crashing is not


def test_a_file_beyond_the_cap_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "agent.yaml"
    path.write_bytes(b"a" * (MAX_BYTES + 1))
    with pytest.raises(SpecInvalid) as caught:
        read(path)
    assert caught.value.code == "AS102"


def test_bytes_that_are_not_utf8_are_located(tmp_path: Path) -> None:
    path = tmp_path / "agent.yaml"
    path.write_bytes("näme: x\nb: caf".encode() + b"\xe9\n")
    with pytest.raises(SpecInvalid) as caught:
        read(path)
    (found,) = caught.value.diagnostics
    assert found.code == "AS101"
    assert found.span == Span(2, 7, 2, 8)


def test_a_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "agent.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: x\r\n")
    document = load(read(path))
    assert document.data == {"a": 1, "b": "x"}
    assert document.span(("b",)) == Span(2, 4, 2, 5)


@pytest.mark.parametrize("name", ["missing.yaml", ".", "bad\0name"])
def test_a_file_that_cannot_be_read_is_a_diagnostic(tmp_path: Path, name: str) -> None:
    with pytest.raises(SpecInvalid) as caught:
        read(tmp_path / name)
    assert caught.value.code == "AS110"
    assert caught.value.exit == 3
