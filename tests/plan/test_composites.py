"""Models that are made of others: what may be written, and where it is said what may not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from agentspec.plan import Checked, check
from agentspec.plan.model import Composite
from agentspec.registry import Registry
from agentspec.spec.parse import parse_text

NODES = "nodes:\n  ask: {lm: s, prompt: hi, output: {kind: x | y, score: number | null}}\n"


def checked(
    models: str,
    more: str = "",
    nodes: str = NODES,
    profile: str | None = None,
    bind: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Checked:
    text = f"agentspec: 1\nname: t\ninputs: {{who: string}}\nmodels:\n  a: fake/echo\n  b: fake/echo\n  {models}\n"
    return check(parse_text(f"{text}{more}{nodes}", "t.yaml", folder or Path()), Registry(), profile=profile, bind=bind)


def problems(models: str, more: str = "", nodes: str = NODES) -> list[tuple[str, str, int, str]]:
    """Each problem as its code, the text that it underlines, the line of that, and what is proposed."""
    found = []
    for one in checked(models, more, nodes).diagnostics:
        assert one.span is not None
        line = one.source.lines[one.span.line - 1]
        found.append((one.code, line[one.span.column - 1 : one.span.end_column - 1], one.span.line, one.label))
    return found


def models_of(checked: Checked) -> dict[str, object]:
    assert checked.plan is not None, checked.diagnostics
    return {
        name: (entry.kind, entry.members) if isinstance(entry, Composite) else entry.use
        for name, entry in checked.plan.models.items()
    }


@pytest.mark.parametrize(
    ("written", "found"),
    [
        # members that there are not, each where it is written
        ("s: {cascade: [a, bb], accept: valid}", [("AS304", "bb", 7, "known: a, b")]),
        ("s: {fallback: [smal, b]}\n  small: fake/echo", [("AS304", "smal", 7, "did you mean `small`?")]),
        ("s: {route: [{when: prompt == 'x', use: c}, {use: a}]}", [("AS304", "c", 7, "known: a, b")]),
        ("s: {split: {a: 1, c: 2}}", [("AS304", "c", 7, "known: a, b")]),
        ("s: {shadow: c, with: d}", [("AS304", "c", 7, "known: a, b"), ("AS304", "d", 7, "known: a, b")]),
        ("s: {cascade: [a, {fallback: [b, c]}], accept: valid}", [("AS304", "c", 7, "known: a, b")]),
        # members that are written in place
        ("s: {fallback: [a, {use: fake/echo, confidense: 1}]}",
         [("AS503", "confidense", 7, "did you mean `confidence`?")]),
        ("s: {fallback: [a, {}]}", [("AS202", "{}", 7, "")]),
        ("s: {fallback: [a, {used: fake/echo}]}", [("AS201", "used", 7, "did you mean `use`?")]),
        ("s: {split: {a: 1, fake/: 2}}", [("AS203", "fake/", 7, "")]),
        # circles, each once, at the first of its models
        ("s: {fallback: [a, s]}", [("AS430", "s", 7, "")]),
        ("s: {fallback: [a, t]}\n  t: {fallback: [a, {shadow: b, with: s}]}", [("AS430", "s", 7, "")]),
        (
            "s: {fallback: [a, t]}\n  t: {fallback: [a, s]}\n  u: {split: {v: 1, a: 1}}\n  v: {split: {u: 1, a: 1}}",
            [("AS430", "s", 7, ""), ("AS430", "u", 9, "")],
        ),
        # conditions
        ("s: {cascade: [a, b], accept: confidense > 1}", [("AS302", "confidense", 7, "did you mean `confidence`?")]),
        ("s: {cascade: [a, b], accept: outptu.kind == 'x'}", [("AS302", "outptu", 7, "did you mean `output`?")]),
        ("s: {cascade: [a, b], accept: output.kynd == 'x'}", [("AS301", "kynd", 7, "did you mean `kind`?")]),
        ("s: {cascade: [a, b], accept: inputs.who}",
         [("AS302", "inputs", 7, "in sight: confidence, meta, output, usd, valid")]),
        ("s: {route: [{when: prompt | lenght, use: a}, {use: b}]}", [("AS307", "lenght", 7, "did you mean `length`?")]),
        ("s: {route: [{when: inputs.wo, use: a}, {use: b}]}", [("AS301", "wo", 7, "did you mean `who`?")]),
        ("s: {route: [{when: ask, use: a}, {use: b}]}", [("AS302", "ask", 7, "in sight: inputs, meta, prompt")]),
        # ways that cannot be, and one that is missing
        ("s: {route: [{use: a}, {when: valid, use: b}, {use: a}]}",
         [("AS203", "{use: a}", 7, ""), ("AS302", "valid", 7, "in sight: inputs, meta, prompt")]),
        ("s: {route: [{when: inputs.who, use: a}]}",
         [("AS203", "route", 7, "end the list with an entry without `when`")]),
        # shapes
        ("s: {kascade: [a, b], accept: valid}", [("AS201", "kascade", 7, "did you mean `cascade`?")]),
        ("s: {cascade: [a, b]}", [("AS202", "s", 7, "")]),
        ("s: {cascade: [a], accept: valid}", [("AS203", "[a]", 7, "")]),
        ("s: {cascade: [a, b], accept: valid, use: fake/echo}", [("AS201", "use", 7, "known: accept, cascade")]),
        ("s: {split: {a: 0, b: 1}}", [("AS203", "0", 7, "")]),
        ("s: {shadow: a}", [("AS202", "s", 7, "")]),
        ("s: {fallback: [a, 3]}", [("AS203", "3", 7, "")]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_where_it_stands(written: str, found: list[tuple[str, str, int, str]]) -> None:
    assert problems(written) == found


def test_a_plugin_that_is_missing_is_named_where_it_is_written() -> None:
    for written in ("s: {split: {a: 1, nosuch/x: 2}}", "s: {fallback: [a, nosuch/x]}"):
        ((code, text, line, _),) = problems(written)
        assert (code, text, line) == ("AS501", "nosuch/x", 7)


def test_a_circle_is_told_as_it_is_written() -> None:
    (found,) = checked(
        "s: {fallback: [a, {shadow: t, with: b}]}\n  t: {split: {u: 1, a: 1}}\n  u: {fallback: [s, a]}"
    ).diagnostics
    assert found.message == "`s` -> `t` -> `u` -> `s` are made of each other"
    (found,) = checked("s: {fallback: [a, s]}").diagnostics
    assert found.message == "`s` is made of itself"


def test_accept_is_held_against_the_type_of_every_node_that_uses_it() -> None:
    nodes = """nodes:
  one: {lm: s, prompt: hi, output: {kind: x | y}}
  two: {lm: outer, prompt: hi, output: {sort: x | y}}
  text: {lm: a, prompt: hi, sample: {n: 2, pick: best, judge: s}}
  free: {controller: switch, on: one.kind, cases: {x: {lm: a, prompt: hi}, y: {result: ""}}}
result: {a: "${{ one }}", b: "${{ two }}", c: "${{ text }}", d: "${{ free }}"}
"""
    written = "s: {cascade: [a, b], accept: output.kind == 'x'}\n  outer: {fallback: [s, a]}"
    assert problems(written, nodes=nodes) == [("AS301", "kind", 7, "it has sort"), ("AS301", "kind", 7, "it has best")]
    assert problems(written.replace("output.kind == 'x'", "valid"), nodes=nodes) == []


def test_with_tools_accept_has_to_reckon_with_no_answer(tmp_path: Path) -> None:
    (tmp_path / "sub.yaml").write_text(
        "agentspec: 1\nname: sub\nmodels: {m: fake/echo}\nnodes: {n: {lm: m, prompt: x}}\n"
    )
    nodes = "nodes:\n  ask: {lm: s, prompt: hi, output: {kind: x | y}, tools: ./sub.yaml, max_turns: 3}\n"
    for accept, codes in [("output.kind == 'x'", ["AS310"]), ("output is none or output.kind == 'x'", [])]:
        written = f's: {{cascade: [a, b], accept: "{accept}"}}'
        assert [one.code for one in checked(written, nodes=nodes, folder=tmp_path).diagnostics] == codes


def test_members_are_names_or_models_that_are_written_in_place() -> None:
    written = (
        "s: {cascade: [a, fake/script, {use: fake/echo, confidence: 0.5}, {fallback: [b, fake/echo]}], accept: valid}"
    )
    plan = checked(written)
    assert models_of(plan) == {
        "a": "fake/echo",
        "b": "fake/echo",
        "s.2": "fake/script",
        "s.3": "fake/echo",
        "s.4.2": "fake/echo",
        "s.4": ("fallback", ("b", "s.4.2")),
        "s": ("cascade", ("a", "s.2", "s.3", "s.4")),
    }


def test_no_name_stands_for_a_model_that_is_written_in_place() -> None:
    nodes = "nodes:\n  ask: {lm: s.2, prompt: hi}\n"
    assert problems("s: {fallback: [a, fake/echo]}", nodes=nodes) == [("AS304", "s.2", 9, "known: a, b, s")]


def test_a_model_that_no_node_uses_is_fine() -> None:
    assert problems("s: fake/echo\n  t: {split: {a: 1, b: 3}}") == []


def test_the_command_line_replaces_a_member_or_the_whole() -> None:
    written = "s: {cascade: [a, fake/echo], accept: valid}"
    assert models_of(checked(written, bind={"a": "fake/script"}))["a"] == "fake/script"
    assert models_of(checked(written, bind={"s": "fake/script"})) == {
        "a": "fake/echo",
        "b": "fake/echo",
        "s": "fake/script",
    }
    assert set(models_of(checked(written, bind={"*": "fake/script"})).values()) == {"fake/script"}


def test_a_circle_that_is_bound_over_is_none() -> None:
    assert models_of(checked("s: {fallback: [a, s]}", bind={"s": "fake/echo"}))["s"] == "fake/echo"


def test_a_profile_may_put_a_composite_in_place_of_a_model_and_the_other_way_round() -> None:
    more = "profiles: {p: {models: {a: {fallback: [b, fake/script]}, s: fake/echo}}}\n"
    written = "s: {fallback: [a, b]}"
    assert models_of(checked(written, more, profile="p")) == {
        "a.2": "fake/script",
        "a": ("fallback", ("b", "a.2")),
        "b": "fake/echo",
        "s": "fake/echo",
    }
    assert models_of(checked(written, more))["s"] == ("fallback", ("a", "b"))


def test_a_profile_that_is_not_chosen_is_checked_but_needs_no_plugins() -> None:
    for inside, found in [
        ("{fallback: [b, nosuch/model, {use: other/model, size: 3}]}", []),
        ("{fallback: [b, c]}", [("AS304", "c", 8, "known: b, s")]),
        ("{cascade: [b, s], accept: confidense}", [("AS302", "confidense", 8, "did you mean `confidence`?")]),
        ("{cascade: [b, s], acept: valid}", [("AS202", "a", 8, ""), ("AS201", "acept", 8, "did you mean `accept`?")]),
    ]:
        assert problems("s: fake/echo", f"profiles: {{p: {{models: {{a: {inside}}}}}}}\n") == found


def test_a_called_agent_has_composites_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "sub.yaml").write_text(
        "agentspec: 1\nname: sub\nmodels: {a: fake/echo, s: {cascade: [a, fake/script], accept: valid}}\n"
        "nodes: {n: {lm: s, prompt: hi}}\n",
        encoding="utf-8",
    )
    nodes = "nodes:\n  call: {controller: agent, spec: ./sub.yaml}\n"
    found = models_of(checked("s: {fallback: [a, b]}", nodes=nodes, folder=tmp_path))
    assert found["sub.yaml#s"] == ("cascade", ("sub.yaml#a", "sub.yaml#s.2"))
    assert found["s"] == ("fallback", ("a", "b"))
    bound = models_of(checked("s: {fallback: [a, b]}", nodes=nodes, folder=tmp_path, bind={"s": "fake/script"}))
    assert (bound["s"], bound["sub.yaml#s"]) == ("fake/script", ("cascade", ("sub.yaml#a", "sub.yaml#s.2")))
