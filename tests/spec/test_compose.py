"""Several files become one: what wins, what goes, and where each value is said to stand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspec.spec.compose.merge import merged, without
from agentspec.spec.diagnostics import Diagnostic, SpecInvalid, render
from agentspec.spec.parse import parse_file
from agentspec.spec.source import Source, Where
from agentspec.spec.text.document import Document
from agentspec.spec.text.emit import emit
from agentspec.spec.text.loader import load

REST = "agentspec: 1\nname: x\nmodels: {m: fake/echo}\nnodes: {say: {lm: m, prompt: Hello.}}\n"


def document(data: Mapping[str, Any], name: str = "a.yaml") -> Document:
    return load(Source(name, emit(data) if data else "{}\n"))


def files(folder: Path, **texts: str) -> Path:
    """Write files, `__` in a name for `/`; the one called `agent` is the spec."""
    (folder / "pyproject.toml").touch()
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "agent.yaml"


def composed(folder: Path, **texts: str) -> dict[str, Any]:
    return parse_file(files(folder, **texts)).document.data


def problems(folder: Path, **texts: str) -> tuple[Diagnostic, ...]:
    path = files(folder, **texts)
    with pytest.raises(SpecInvalid) as caught:
        parse_file(path)
    return caught.value.diagnostics


def at(diagnostic: Diagnostic) -> tuple[str, str, str]:
    """Code, file and the text that is underlined."""
    assert diagnostic.span is not None
    line = diagnostic.source.lines[diagnostic.span.line - 1]
    return (
        diagnostic.code,
        Path(diagnostic.source.name).name,
        line[diagnostic.span.column - 1 : diagnostic.span.end_column - 1],
    )


# What wins


@pytest.mark.parametrize(
    ("base", "over", "result"),
    [
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"y": 3, "z": 4}}, {"a": {"x": 1, "y": 3, "z": 4}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"x": 1}}, {"a": [3]}, {"a": [3]}),
        ({"a": [3]}, {"a": {"x": 1}}, {"a": {"x": 1}}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"x": None}}, {"a": {"y": 2}}),
        ({"b": 2}, {"a": None}, {"b": 2, "a": None}),
        ({"a": None}, {"a": None}, {"a": None}),
        ({"a": None}, {"a": 1}, {"a": 1}),
        ({"a": False}, {"a": None}, {}),
        ({"a": {"x": 1}}, {"a": {}}, {"a": {"x": 1}}),
    ],
)
def test_what_wins(base: Any, over: Any, result: Any) -> None:
    assert merged(document(base), document(over)).data == result


def test_keys_stay_in_the_order_of_the_base() -> None:
    data = merged(document({"a": 1, "b": 2, "c": 3}), document({"d": 4, "b": 5, "a": 6})).data
    assert list(data) == ["a", "b", "c", "d"]


def test_what_an_alias_repeats_is_changed_only_where_it_is_changed() -> None:
    base = load(Source("base.yaml", "a: &x {k: 1, l: 1}\nb: *x\n"))
    data = merged(base, document({"a": {"k": 2}})).data
    assert data == {"a": {"k": 2, "l": 1}, "b": {"k": 1, "l": 1}}
    assert base.data == {"a": {"k": 1, "l": 1}, "b": {"k": 1, "l": 1}}


KEYS = st.sampled_from("abcd")
LEAVES = st.integers(0, 9) | st.just([1, 2])
DATA = st.dictionaries(KEYS, st.recursive(LEAVES | st.none(), lambda some: st.dictionaries(KEYS, some, max_size=3)))
LEVELS = st.fixed_dictionaries({}, optional={key: st.dictionaries(KEYS, LEAVES) for key in "ab"})
"""Data in which a key is a mapping everywhere or nowhere, and nothing is null."""


@given(DATA)
def test_an_empty_base_and_an_empty_file_over_it_change_nothing(data: dict[str, Any]) -> None:
    assert merged(document({}), document(data)).data == data
    assert merged(document(data), document({})).data == data
    assert merged(document(data), document(data)).data == data


@given(LEVELS, LEVELS, LEVELS)
def test_without_null_three_files_may_be_merged_from_either_end(one: Any, two: Any, three: Any) -> None:
    first, second, third = document(one), document(two), document(three)
    left = merged(merged(first, second), third).data
    right = merged(first, merged(second, third)).data
    assert left == right


@given(DATA, DATA, DATA)
def test_every_value_stands_in_the_file_that_has_the_last_word(one: Any, two: Any, three: Any) -> None:
    parts = [document(data, name) for data, name in ((one, "1"), (two, "2"), (three, "3"))]
    whole = merged(merged(parts[0], parts[1]), parts[2])
    by_name = {part.source.name: part for part in parts}
    for where, value in leaves(whole.data, ()):
        home = by_name[whole.source_at(where).name]
        assert value_at(home.data, where) == value
        assert whole.span(where) == home.span(where)
        assert whole.key_span(where) == home.key_span(where)
        later = [part for part in parts if part.source.name > home.source.name]
        assert not any(value_at(part.data, where) for part in later)


def leaves(data: Any, where: Where) -> list[tuple[Where, Any]]:
    if isinstance(data, dict):
        return [leaf for key, value in data.items() for leaf in leaves(value, (*where, key))]
    return [(where, data)]


def value_at(data: Any, where: Where) -> Any:
    for step in where:
        data = data.get(step) if isinstance(data, dict) else None
    return data


def test_places_of_a_single_file_need_no_origins() -> None:
    assert document({"a": {"b": 1}}).origins == {}


def test_a_key_that_is_left_out_is_gone_from_data_and_places() -> None:
    whole = load(Source("a.yaml", "extends: b.yaml\nname: x\n"))
    rest = without(whole, ("extends",))
    assert rest.data == {"name": "x"}
    assert rest.span(("name",)) == whole.span(("name",))
    assert rest.span(("extends",)) == whole.span(())


# extends


def test_a_file_extends_another(tmp_path: Path) -> None:
    data = composed(
        tmp_path,
        agent="extends: ./base.yaml\nname: mine\nmodels: {m: {temperature: 1}}\n",
        base="agentspec: 1\nname: base\nmodels: {m: {use: fake/echo, temperature: 0}}\n"
        "nodes: {say: {lm: m, prompt: Hello.}}\n",
    )
    assert data == {
        "agentspec": 1,
        "name": "mine",
        "models": {"m": {"use": "fake/echo", "temperature": 1}},
        "nodes": {"say": {"lm": "m", "prompt": "Hello."}},
    }


def test_of_several_bases_later_ones_win_and_the_file_itself_over_all(tmp_path: Path) -> None:
    data = composed(
        tmp_path,
        agent="extends: [one.yaml, two.yaml]\ninputs: {c: date}\n",
        one=f"{REST}description: one\ninputs: {{a: string, b: string, c: string}}\n",
        two="description: two\ninputs: {b: integer, c: integer}\n",
    )
    assert data["description"] == "two"
    assert data["inputs"] == {"a": "string", "b": "integer", "c": "date"}


def test_names_are_relative_to_the_file_that_they_stand_in(tmp_path: Path) -> None:
    data = composed(
        tmp_path,
        agents__mine__agent="extends: ../shared/base.yaml\n",
        agents__shared__base=f"{REST}include: more/types.yaml\n",
        agents__shared__more__types="types: {T: {a: string}}\n",
        agent="extends: agents/mine/agent.yaml\n",
    )
    assert data["types"] == {"T": {"a": "string"}}


def test_a_model_written_short_replaces_one_with_options(tmp_path: Path) -> None:
    base = REST.replace("{m: fake/echo}", "{m: {use: ollama/x, host: y}}")
    assert composed(tmp_path, agent="extends: b.yaml\nmodels: {m: fake/echo}\n", b=base)["models"] == {"m": "fake/echo"}


# Places


def test_each_problem_stands_in_its_own_file_of_a_chain_of_three(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        agent="extends: middle.yaml\nname: 1\nnodes:\n  say: {timeout: soon}\n  third: {lmm: m}\n",
        middle="extends: base.yaml\nlimits: {usd: much}\nnodes:\n  say: {retri: 2}\n",
        base="agentspec: 1\nnodes:\n  say: {lm: m, prompt: 1}\n",
    )
    assert sorted(map(at, found)) == [
        ("AS201", "middle.yaml", "retri"),
        ("AS203", "agent.yaml", "1"),
        ("AS203", "agent.yaml", "soon"),
        ("AS203", "base.yaml", "1"),
        ("AS203", "middle.yaml", "much"),
        ("AS204", "agent.yaml", "lmm"),
    ]


def test_what_is_missing_from_a_merged_mapping_is_reported_where_it_was_changed_last(tmp_path: Path) -> None:
    base = f"{REST}limits: {{usd: 1}}\n"
    [found] = problems(tmp_path, agent="extends: b.yaml\nnodes:\n  say: {prompt: null}\n", b=base)
    assert at(found)[:2] == ("AS203", "agent.yaml")


def test_problems_of_text_in_a_base_are_reported_there(tmp_path: Path) -> None:
    found = problems(tmp_path, agent="extends: [a.yaml, b.yaml]\n", a="name: [\n", b="name: x\nname: y\n")
    assert [one.code for one in found] == ["AS103", "AS105"]
    assert [Path(one.source.name).name for one in found] == ["a.yaml", "b.yaml"]


def test_every_file_is_of_this_version(tmp_path: Path) -> None:
    found = problems(tmp_path, agent="extends: b.yaml\nagentspec: 1\n", b="agentspec: 2\nname: x\nstrange: 1\n")
    assert [at(one) for one in found] == [("AS206", "b.yaml", "2")]


# include


def test_a_file_includes_types_models_and_tools(tmp_path: Path) -> None:
    data = composed(
        tmp_path,
        agent=f"{REST.replace('models: {m: fake/echo}', 'types: {A: string}')}include: [a.yaml, b.yaml]\n",
        a="agentspec: 1\ntypes: {B: {x: string}}\ninclude: c.yaml\n",
        b="models: {m: fake/echo}\ntools: {t: shop}\n",
        c="types: {C: date}\n",
    )
    assert data["types"] == {"A": "string", "B": {"x": "string"}, "C": "date"}
    assert (data["models"], data["tools"]) == ({"m": "fake/echo"}, {"t": "shop"})


def test_an_included_file_does_not_say_which_language_the_spec_is_in(tmp_path: Path) -> None:
    rest = REST.removeprefix("agentspec: 1\n")
    [found] = problems(tmp_path, agent=f"{rest}include: a.yaml\n", a="agentspec: 1\ntypes: {B: string}\n")
    assert (found.code, found.message) == ("AS202", "the file needs `agentspec`")


def test_what_a_base_includes_can_be_changed_by_the_file_that_extends_it(tmp_path: Path) -> None:
    data = composed(
        tmp_path,
        agent="extends: b.yaml\ntypes: {T: {y: string}}\n",
        b=f"{REST}include: t.yaml\n",
        t="types: {T: {x: string}}\n",
    )
    assert data["types"] == {"T": {"x": "string", "y": "string"}}


@pytest.mark.parametrize("section", ["types", "models", "tools"])
def test_a_name_that_is_defined_twice_differently_is_reported_with_both_places(section: str, tmp_path: Path) -> None:
    rest = REST.replace("models: {m: fake/echo}\n", "")
    [found] = problems(
        tmp_path,
        agent=f"{rest}include: [a.yaml, b.yaml]\n",
        a=f"{section}: {{T: {{x: string}}}}\n",
        b=f"{section}:\n  T: {{x: integer}}\n",
    )
    assert at(found) == ("AS215", "a.yaml", "T")
    [note] = found.notes
    assert note.source is not None
    assert (Path(note.source.name).name, note.span.line) == ("b.yaml", 2)
    assert render(found).count("| ") == 4


def test_a_name_that_two_files_define_alike_is_fine(tmp_path: Path) -> None:
    shared = "types: {T: {x: string}}\n"
    texts = {"agent": f"{REST}{shared}include: [a.yaml, b.yaml]\n", "a": shared, "b": shared}
    assert composed(tmp_path, **texts)["types"] == {"T": {"x": "string"}}


def test_a_file_that_is_included_by_two_ways_is_included_once(tmp_path: Path) -> None:
    texts = {"a": "include: c.yaml\n", "b": "include: c.yaml\n", "c": "types: {T: date}\n"}
    assert composed(tmp_path, agent=f"{REST}include: [a.yaml, b.yaml]\n", **texts)["types"] == {"T": "date"}


def test_an_included_file_has_nothing_else(tmp_path: Path) -> None:
    found = problems(tmp_path, agent=f"{REST}include: a.yaml\n", a="types: {T: date}\nnodes: {}\nextends: x.yaml\n")
    assert [at(one) for one in found] == [("AS214", "a.yaml", "nodes"), ("AS214", "a.yaml", "extends")]


def test_a_section_that_is_no_mapping_is_reported_where_it_stands(tmp_path: Path) -> None:
    found = problems(tmp_path, agent=f"{REST}types:\ninclude: [a.yaml, b.yaml]\n", a="types: {}\n", b="tools: 3\n")
    assert {(one.code, Path(one.source.name).name) for one in found} == {
        ("AS203", "agent.yaml"),
        ("AS203", "b.yaml"),
    }
