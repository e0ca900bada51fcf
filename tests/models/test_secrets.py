"""Variables from the process and from `.env`, and secrets that never show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspec.api.errors import EnvironmentUnreadable, VariableMissing
from agentspec.models.secrets import (
    MASK,
    SHORTEST,
    Masker,
    Variables,
    is_secret,
    masker_of,
    named,
    parse_variables,
    surroundings,
    variables,
)
from agentspec.plan.model import Binding
from agentspec.spec.source import Source, Span

# .env


def test_lines_of_env_files() -> None:
    text = (
        "# a comment\n"
        "A=1\n"
        "export B = two words \n"
        "C='single # quoted $A'\n"
        'D="double\\n${A}"\n'
        "E=bare # with a comment\n"
        "F=a#b\n"
        "\n"
        "G=\n"
        "H='two\nlines'\n"
        "A=again\r\n"
        "I=${A}"
    )
    assert parse_variables(text, ".env") == {
        "A": "again",
        "B": "two words",
        "C": "single # quoted $A",
        "D": "double\n${A}",
        "E": "bare",
        "F": "a#b",
        "G": "",
        "H": "two\nlines",
        "I": "${A}",
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [("A=1\nsk-canary value\n", 2), ("\n\nA\n", 3), ("A='canary\n", 1), ("# c\n  B C=canary\n", 2), ('A="canary', 1)],
)
def test_a_line_that_is_none_is_named_by_its_number_and_not_shown(text: str, line: int) -> None:
    with pytest.raises(EnvironmentUnreadable) as caught:
        parse_variables(text, ".env")
    assert caught.value.message == f"`.env`, line {line}: this is no `NAME=value`"


def test_the_process_wins_over_the_file(tmp_path: Path) -> None:
    assert variables(tmp_path, {"A": "process"}) == {"A": "process"}
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfA=file\nB=file\n")
    assert variables(tmp_path, {"A": "process"}) == {"A": "process", "B": "file"}
    assert variables(tmp_path, {"A": ""}) == {"A": "", "B": "file"}


def test_an_env_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "folder" / ".env").mkdir(parents=True)
    (tmp_path / ".env").write_bytes(b"A=\xff")
    for folder in (tmp_path, tmp_path / "folder"):
        with pytest.raises(EnvironmentUnreadable):
            variables(folder, {})


def test_an_env_file_of_any_size_is_not_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\n" * 300_000, encoding="utf-8")
    with pytest.raises(EnvironmentUnreadable, match="too large"):
        variables(tmp_path, {})


def test_a_missing_variable_is_named_with_the_ways_to_set_it() -> None:
    with pytest.raises(VariableMissing) as caught:
        Variables({"OTHER": "canary"})["OPENAI_API_KEY"]
    assert "OPENAI_API_KEY" in caught.value.message
    assert caught.value.hint == "export OPENAI_API_KEY=…, or a line OPENAI_API_KEY=… in .env"
    assert "canary" not in f"{caught.value.message}{caught.value.hint}"


# Which variables are secrets


@pytest.mark.parametrize(
    "name",
    [
        "KEY",
        "OPENAI_API_KEY",
        "api_key",
        "APIKEY",
        "HF_TOKEN",
        "GITHUB_TOKENS",
        "DB_PASSWORD",
        "CLIENT_SECRET",
        "MONKEY",
    ],
)
def test_names_that_say_that_a_variable_is_secret(name: str) -> None:
    assert is_secret("env", name)


@pytest.mark.parametrize("name", ["HOME", "KEYBOARD", "TOKENIZER", "KEY_FILE", "PASSWORD_HINT", "BASE_URL"])
def test_names_that_do_not(name: str) -> None:
    assert not is_secret("env", name)
    assert is_secret("secrets", name)


def test_the_variables_that_options_name() -> None:
    options = {
        "key": "${{ env.A }}",
        "more": [{"x": "Bearer ${{ secrets.B }} and ${{ secrets['C'] }}"}, 3, None],
        "text": "env.D ${{ inputs.env }}",
        "default": "${{ env.E | default('x') }}",
    }
    assert named([options]) == {("env", "A"), ("secrets", "B"), ("secrets", "C"), ("env", "E")}


def test_the_masker_of_options_knows_secrets_by_name_and_hides_them_by_value() -> None:
    options = {"key": "${{ env.A_KEY }}", "url": "${{ env.URL }}", "other": "${{ secrets.PLACE }}"}
    values = {"A_KEY": "canary-1", "URL": "http://canary-2", "PLACE": "canary-3", "UNUSED_KEY": "canary-4"}
    masker = masker_of(named([options]), values)
    assert masker.text("canary-1 http://canary-2 canary-3 canary-4") == "*** http://canary-2 *** canary-4"
    assert masker_of({("env", "MISSING_KEY")}, {}).text("x") == "x"


def test_without_a_variable_in_the_options_no_file_is_opened(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("what is this\n", encoding="utf-8")

    def binding(options: dict[str, Any]) -> Binding:
        return Binding("m", "fake/echo", options, Source("", ""), Span(1, 1, 1, 1))

    names, masker = surroundings([binding({"file": "x"})], tmp_path, {"A_KEY": "canary"})
    assert (names, bool(masker)) == ({"env": {}, "secrets": {}}, False)
    with pytest.raises(EnvironmentUnreadable):
        surroundings([binding({"file": "${{ env.A_KEY }}"})], tmp_path, {"A_KEY": "canary"})
    (tmp_path / ".env").write_text("A_KEY=other\nB=file\n", encoding="utf-8")
    names, masker = surroundings([binding({"file": "${{ env.A_KEY }}"})], tmp_path, {"A_KEY": "canary"})
    assert names["env"]["A_KEY"] == names["secrets"]["A_KEY"] == "canary"
    assert names["env"]["B"] == "file"
    assert masker.text("canary other") == "*** other"


# Masking


class Fact(NamedTuple):
    path: str
    value: Any


def test_secrets_are_masked_anywhere_in_data() -> None:
    masker = Masker(["canary"])
    given = {"a": ["the canary", {"canary": ("canary", 1)}], "b": None, "c": True, "d": 1.5}
    assert masker.data(given) == {"a": ["the ***", {"***": ("***", 1)}], "b": None, "c": True, "d": 1.5}
    masked = masker.data(Fact("p", {"x": "canary"}))
    assert masked == Fact("p", {"x": MASK})
    assert isinstance(masked, Fact)


def test_of_two_secrets_that_begin_alike_nothing_stays() -> None:
    assert Masker(["canary", "canary-long"]).text("canary-long canary") == "*** ***"


def test_a_secret_is_masked_as_it_stands_in_json() -> None:
    secret = 'can"ary\nline'
    assert "ary" not in Masker([secret]).text(json.dumps({"key": secret}))


def test_short_values_are_not_masked() -> None:
    short = "x" * (SHORTEST - 1)
    masker = Masker([short, "", "   \n     ", f"{short}y"])
    assert masker.text(f"a {short} b {short}y") == f"a {short} b ***"
    assert not Masker([short])
    assert Masker([short]).data({"a": short}) == {"a": short}


@pytest.mark.parametrize(
    ("text", "shown", "waits"),
    [
        ("", "", ""),
        ("a can", "a ", "can"),
        ("canary", "", "canary"),
        ("a canary-", "a ", "canary-"),
        ("canary-x", "***-x", ""),
        ("canary-long", "***", ""),
        ("abcabc", "***", ""),
        ("abcab", "", "abcab"),
        ("x", "x", ""),
    ],
)
def test_the_end_of_a_piece_that_may_begin_a_secret_waits(text: str, shown: str, waits: str) -> None:
    assert Masker(["canary", "canary-long", "abcabc"]).piece(text) == (shown, waits)
    assert Masker([]).piece(text) == (text, "")


@given(st.lists(st.text("abc-", max_size=4), max_size=12))
def test_text_in_pieces_is_masked_as_if_it_came_whole(pieces: list[str]) -> None:
    masker = Masker(["abcabc", "abcabc-a", "cccccc"])
    out, waits = "", ""
    for piece in pieces:
        shown, waits = masker.piece(waits + piece)
        out += shown
    assert out + masker.text(waits) == masker.text("".join(pieces))


def test_signs_of_patterns_are_only_signs() -> None:
    assert Masker(["a.c*(d)+"]).text("a.c*(d)+ abcddd") == "*** abcddd"


TEXTS = st.text(max_size=30)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda some: st.lists(some, max_size=4) | st.dictionaries(TEXTS, some, max_size=4),
    max_leaves=10,
)


@given(DATA, st.lists(st.text(min_size=SHORTEST, max_size=10), min_size=1, max_size=3), TEXTS)
def test_no_secret_is_left_in_any_data(data: Any, secrets: list[str], around: str) -> None:
    masker = Masker(secrets)
    marked = [secret for secret in secrets if len(secret.strip()) >= SHORTEST and MASK not in secret]
    told = masker.data({"data": data, "mixed": [f"{around}{secret}{around}" for secret in marked]})
    assert not any(secret in text for secret in marked for text in texts_in(told))


def texts_in(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in texts_in(part)]
    return [text for item in value for text in texts_in(item)] if isinstance(value, list) else []
