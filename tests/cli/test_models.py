"""`agentspec models`: what is bound, what is installed, and how models did in recorded runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import SPEC, Cli

CASCADE = """\
agentspec: 1
name: desk
inputs: {note: {type: string, default: Hello.}}
models:
  small: {use: fake/script, answers: ["So: {\\"n\\": 1,}", "no", "no", '{"n": 2}', "no"], concurrency: 4}
  large: {use: fake/echo, price: {in: 2, out: 8}}
  sorter: {cascade: [small, large], accept: output.n == 1}
nodes:
  a: {lm: sorter, prompt: "${{ inputs.note }}", output: {n: integer}, after: []}
  b: {lm: sorter, prompt: "${{ inputs.note }}", output: {n: integer}, after: a}
  c: {lm: sorter, prompt: "${{ inputs.note }}", output: {n: integer}, after: b}
  d: {lm: small, prompt: "${{ inputs.note }}", output: {n: integer}, after: c, repair: 0, on_error: skip}
result: 1
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".agentspec").mkdir()
    return tmp_path


def stats(cli: Cli, *words: str) -> dict[tuple[str, str, str], dict]:
    rows = json.loads(cli("models", "stats", "--json", *words).stdout)
    return {(row["agent"], row["node"], row["model"]): row for row in rows}


def test_stats_tell_of_each_node_and_model_how_its_answers_came_about(cli: Cli, project: Path) -> None:
    (project / "agent.yaml").write_text(CASCADE, encoding="utf-8")
    assert cli("run", ".").returncode == 0
    rows = stats(cli)
    assert {key[1:]: (row["formats"], row["escalated"], row["taken"]) for key, row in rows.items()} == {
        ("a", "fake/script"): ({"extracted": 1}, 0, 1),
        ("b", "fake/script"): ({"failed": 1}, 1, 0),
        ("b", "fake/echo"): ({"constrained": 1}, 0, 1),
        ("c", "fake/script"): ({"parsed": 1}, 1, 0),
        ("c", "fake/echo"): ({"constrained": 1}, 0, 1),
        ("d", "fake/script"): ({"failed": 1}, 0, 0),
    }
    row = rows["desk", "b", "fake/script"]
    assert (row["lm_calls"], row["format_rate"], row["confidence"]) == (2, 0.0, None)
    large = rows["desk", "b", "fake/echo"]
    assert large["usd"] == pytest.approx((large["tokens_in"] * 2 + large["tokens_out"] * 8) / 1e6)
    assert large["usd"] > 0
    header, *lines = cli("models", "stats").stdout.splitlines()
    assert header.split()[:5] == ["agent", "node", "model", "answers", "fit"]
    assert "native" not in header, "columns in which nothing stands are left out"
    assert len(lines) == len(rows)


def test_stats_add_up_runs_and_may_be_of_one_agent(cli: Cli, project: Path) -> None:
    for name in ("one", "two", "one"):
        (project / "agent.yaml").write_text(SPEC.replace("name: note", f"name: {name}"), encoding="utf-8")
        assert cli("run", ".").returncode == 0
    assert {key: row["lm_calls"] for key, row in stats(cli).items()} == {
        ("one", "answer", "fake/echo"): 2,
        ("one", "sort", "fake/echo"): 2,
        ("two", "answer", "fake/echo"): 1,
        ("two", "sort", "fake/echo"): 1,
    }
    assert {key[0] for key in stats(cli, "--agent", "two")} == {"two"}
    nothing = cli("models", "stats", "--agent", "three")
    assert (nothing.returncode, nothing.stdout) == (0, "")
    assert "`three`" in nothing.stderr


def test_the_models_of_a_spec_are_listed_with_terms_and_prices(cli: Cli, project: Path) -> None:
    (project / "agent.yaml").write_text(CASCADE, encoding="utf-8")
    data = json.loads(cli("models", "list", ".", "--json", "--bind", "large=litellm/nobody/knows").stdout)
    rows = {row["name"]: row for row in data["models"]}
    assert (rows["small"]["concurrency"], rows["small"]["price"]) == (4, {"in": 0.0, "out": 0.0, "per_second": 0.0})
    assert rows["large"]["price"] is None
    assert rows["sorter"]["members"] == ["small", "large"]
    text = cli("models", "list", ".").stdout
    assert "4 at a time" in text
    assert "2 / 8" in text


def test_the_installed_backends_are_listed_and_what_they_take(cli: Cli) -> None:
    rows = {row["backend"]: row for row in json.loads(cli("models", "list", "--json").stdout)["backends"]}
    assert rows["fake"]["models"] == ["echo", "script"]
    assert "answers" in rows["fake"]["options"]
    assert "fake" in cli("models", "list").stdout
    assert cli("models", "list", "--bind", "a=fake/echo").returncode == 2


def test_the_report_of_a_run_has_shares_costs_and_what_was_saved(cli: Cli, project: Path) -> None:
    (project / "agent.yaml").write_text(CASCADE, encoding="utf-8")
    nodes = {row["node"]: row for row in json.loads(cli("run", ".", "--json").stdout)["usage"]["nodes"]}
    assert nodes["a"]["models"] == {"fake/script": 1}
    [small] = nodes["a"]["by_model"]
    assert (small["model"], small["taken"], small["formats"]) == ("fake/script", 1, {"extracted": 1})
    instead = (small["tokens_in"] * 2 + small["tokens_out"] * 8) / 1e6
    assert nodes["a"]["saved"] == {"against": "fake/echo", "usd": pytest.approx(instead)}
    assert nodes["b"]["saved"] == {"against": "fake/echo", "usd": 0.0}, "the small one was free, and of no use"
    assert nodes["d"]["saved"] is None
    assert "against fake/echo alone" in cli("run", ".").stderr
