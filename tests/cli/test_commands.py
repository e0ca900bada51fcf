"""The other commands."""

from __future__ import annotations

import json
import subprocess
import sys

import jsonschema_rs
import pytest

from agentspec.api.codes import CODES
from agentspec.spec.text.loader import load, read


def test_help_lists_every_command_and_imports_nothing_heavy():
    code = (
        "import sys\nfrom agentspec.cli.main import cli\n"
        "try: cli.main(['--help'], standalone_mode=False)\nfinally: print('LOADED', *sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    said, _, loaded = done.stdout.partition("LOADED")
    for name in ("check", "doctor", "explain", "graph", "init", "plan", "run", "schema"):
        assert f"\n  {name} " in said
    assert not {"litellm", "ollama", "networkx", "pydantic", "rich", "yaml", "jinja2"} & set(loaded.split())


@pytest.mark.parametrize("template", ["start", "inbox"])
def test_init_makes_a_folder_that_checks_clean(cli, template):
    assert cli("init", "mine", "-t", template).returncode == 0
    done = cli("check", "mine", "--bind", "*=fake/echo")
    assert done.returncode == 0, done.stderr
    again = cli("init", "mine", "-t", template)
    assert again.returncode == 2
    assert "not an empty folder" in again.stderr


def test_what_init_makes_runs_at_once(cli):
    cli("init", "mine")
    done = cli("run", "mine")
    assert done.returncode == 0
    assert json.loads(done.stdout)["topic"] == "order"


def test_the_schema_admits_the_specs_that_check_admits_and_refuses_a_misspelt_key(cli, tmp_path):
    cli("schema", "--write")
    schema = json.loads((tmp_path / ".agentspec" / "schema.json").read_text())
    validator = jsonschema_rs.Draft202012Validator(schema)
    cli("init", "inbox", "-t", "inbox")
    for spec in (tmp_path / "agent.yaml", tmp_path / "inbox" / "agent.yaml"):
        data = load(read(spec)).data
        assert [str(error) for error in validator.iter_errors(data)] == []
        assert not validator.is_valid({**data, "nods": {}})
        [first, *_] = data["nodes"]
        broken = {**data["nodes"], first: {**data["nodes"][first], "promt": "x"}}
        assert not validator.is_valid({**data, "nodes": broken})


def test_plan_shows_prompts_and_calls_nobody(cli):
    done = cli("plan", ".", "-i", "note=Hello", "--bind", "small=pocket/no-such-model")
    assert done.returncode == 0, done.stderr
    assert "Sort: Hello" in done.stdout
    assert "<sort.topic>: Hello" in done.stdout
    data = json.loads(cli("plan", ".", "--json").stdout)
    assert [step["step"] for step in data["steps"]] == ["sort", "answer"]


@pytest.mark.parametrize("form", ["text", "mermaid", "dot", "svg"])
def test_graph_draws_offline(cli, form):
    done = cli("graph", ".", "--format", form)
    assert done.returncode == 0, done.stderr
    assert "sort" in done.stdout
    assert "answer" in done.stdout


def test_check_speaks_json_and_github(cli, tmp_path):
    spec = tmp_path / "agent.yaml"
    spec.write_text(spec.read_text().replace("sort.topic }}:", "sort.topc }}:"))
    [problem] = json.loads(cli("check", ".", "--format", "json").stdout)
    assert (problem["code"], problem["line"]) == ("AS301", 8)
    assert cli("check", ".", "--format", "github").stdout.startswith("::error file=agent.yaml,line=8,")


def test_doctor_names_every_plugin_and_its_state(cli):
    done = cli("doctor")
    assert done.returncode == 0
    assert "✓ fake" in done.stdout


def test_explain_knows_every_code_and_suggests(cli):
    assert set(cli("explain").stdout.split()) >= set(CODES)
    assert cli("explain", "as301").stdout.startswith("# AS301")
    assert cli("explain", "AS30").returncode == 2


def test_a_misspelt_command_is_suggested(cli):
    done = cli("chek")
    assert done.returncode == 2
    assert "Did you mean 'check'?" in done.stderr


def test_a_missing_spec_is_an_error_with_a_code(cli):
    done = cli("run", "nothing.yaml")
    assert done.returncode == 3
    assert "error[AS110]" in done.stderr
