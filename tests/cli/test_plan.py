"""`agentspec plan`: what a spec may use, as a table and as data, without calling anybody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Cli

SPEC = """\
agentspec: 1
name: notes
inputs:
  notes: [string]
models:
  small: fake/echo
  large: {use: litellm/openai/gpt-4.1-mini, max_tokens: 100}
limits: {lm_calls: 20}
nodes:
  each:
    controller: map
    over: inputs.notes
    nodes:
      sort: {lm: small, prompt: Sort., output: {kind: a | b}, max_tokens: 10, timeout: 5s}
  sum: {lm: %s, prompt: Sum up., after: each, timeout: 5s}
result: ${{ sum }}
"""


@pytest.fixture
def notes(tmp_path: Path, cli: Cli) -> Cli:
    (tmp_path / "notes.yaml").write_text(SPEC % "small", encoding="utf-8")
    return cli


def line(text: str, start: str) -> str:
    """The line that begins so, with single spaces."""
    [found] = [one for one in text.splitlines() if one.strip().startswith(start)]
    return " ".join(found.split())


def test_the_table_shows_every_node_and_the_total(notes: Cli) -> None:
    done = notes("plan", "notes.yaml")
    assert done.returncode == 0, done.stderr
    table = done.stdout.partition("in a row")[0]
    assert line(table, "each/sort").startswith("each/sort a 2·a")
    assert line(table, "sum ").startswith("sum 1 1")
    assert line(table, "total").startswith("total 1 + a 1 + 2·a")
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_what_has_no_bound_is_told_with_reason_and_line(notes: Cli) -> None:
    out = notes("plan", "notes.yaml").stdout
    assert line(out, "a ") == "a the length of `inputs.notes` is not known (notes.yaml:10)"
    assert line(out, "limits") == "limits a run stops at lm_calls 20"
    assert "prices" not in out


def test_given_inputs_make_the_bounds_numbers(notes: Cli) -> None:
    out = notes("plan", "notes.yaml", "-i", 'notes=["x", "y", "z"]').stdout
    assert line(out, "total").startswith("total 4 7")
    assert line(out, "in a row") == "in a row at most 3 LM calls, expected 2"
    assert line(out, "time") == "time at most 10 s, by the timeouts"


def test_the_data_say_the_same(notes: Cli) -> None:
    data = json.loads(notes("plan", "notes.yaml", "--json").stdout)
    bounds = data["bounds"]
    assert bounds["total"]["lm_calls"] == {
        "least": 1,
        "expected": None,
        "worst": None,
        "text": "expected 1 + n(inputs.notes), at most 1 + 2·n(inputs.notes)",
    }
    assert [(row["node"], row["lm_calls"]["least"]) for row in bounds["nodes"]] == [
        ("each", 0),
        ("each/sort", 0),
        ("sum", 1),
    ]
    assert {
        "name": "n(inputs.notes)",
        "reason": "the length of `inputs.notes` is not known",
        "place": "notes.yaml:10",
    } in (bounds["unknown"])
    assert [step["step"] for step in data["steps"]] == ["each/sort", "sum"]


def test_money_is_shown_with_the_date_and_source_of_the_prices(notes: Cli, tmp_path: Path) -> None:
    pytest.importorskip("agentspec_litellm", reason="the spec uses the plugin agentspec-litellm")
    (tmp_path / "notes.yaml").write_text(SPEC % "large", encoding="utf-8")
    out = notes("plan", "notes.yaml").stdout
    assert line(out, "prices").startswith("prices of 2026-11-22, from the public price lists")
    usd = json.loads(notes("plan", "notes.yaml", "--json").stdout)["bounds"]["total"]["usd"]
    assert usd["worst"] == pytest.approx((len("Sum up.") + 32) * 0.4e-6 + 100 * 1.6e-6)


BIG = """\
agentspec: 1
name: big
inputs: {notes: [string], text: string}
models: {small: fake/echo, dear: {use: fake/script, answers: [x], price: {in: 1, out: 2}}}
nodes:
  each:
    controller: map
    over: inputs.notes
    as: note
    nodes:
      sort_what_came_in: {lm: dear, prompt: "Sort ${{ note }}", output: {kind: a | b}}
      answer: {lm: dear, prompt: "Answer ${{ note }} ${{ sort_what_came_in.kind }}"}
  sum: {lm: small, prompt: "Sum up ${{ inputs.text }}"}
result: {a: "${{ sum }}", b: "${{ each }}"}
"""


def shown_at(columns: int, tmp_path: Path, cli: Cli) -> str:
    """The table and what stands below it."""
    (tmp_path / "big.yaml").write_text(BIG, encoding="utf-8")
    return cli("plan", "big.yaml", columns=columns).stdout.partition("( result )")[2].partition("prices")[0]


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_no_column_of_the_table_is_cut_off(columns: int, tmp_path: Path, cli: Cli) -> None:
    table = shown_at(columns, tmp_path, cli).partition("in a row")[0]
    assert max(map(len, table.splitlines())) <= columns
    assert line(table, "total").endswith("1 + 2·a"), "the last column is that of the steps"
    assert "each/sort_what_came_in " in table


def test_what_is_known_in_no_row_is_left_out_where_there_is_no_room(tmp_path: Path, cli: Cli) -> None:
    narrow = shown_at(60, tmp_path, cli)
    assert "USD" not in narrow.partition("in a row")[0]
    assert line(narrow, "USD").startswith("USD not known before the run, depends on a, b, ")
    wide = shown_at(120, tmp_path, cli)
    assert "USD" in wide.partition("in a row")[0]
    assert "depends on" not in wide


def test_reasons_that_are_alike_share_one_line(tmp_path: Path, cli: Cli) -> None:
    told = shown_at(120, tmp_path, cli)
    every = "answers of `sort_what_came_in`, `answer`, `sum` have no `max_tokens` (big.yaml:11, 12, 13)"
    assert line(told, "d,e,g") == f"d,e,g {every}"
    few = shown_at(80, tmp_path, cli)
    assert line(few, "d,e,g") == "d,e,g answers of `sort_what_came_in` and 2 more have no `max_tokens`"


def test_prompts_of_a_called_agent_have_its_own_inputs(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "top.yaml").write_text(
        "agentspec: 1\nname: top\nmodels: {}\nnodes:\n  call: {controller: agent, spec: agent.yaml}\n", encoding="utf-8"
    )
    steps = json.loads(cli("plan", "top.yaml", "--json").stdout)["steps"]
    assert steps[0]["messages"] == [{"role": "user", "content": "Sort: <inputs.note>"}]


def test_a_wrong_input_is_a_mistake_of_the_command_line(notes: Cli) -> None:
    done = notes("plan", "notes.yaml", "-i", "nots=1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "error[AS603]: `notes` takes no input `nots`, did you mean `notes`?" in done.stderr
