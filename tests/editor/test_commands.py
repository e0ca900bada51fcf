"""`agentspec schema` and `agentspec explain`, as a person calls them."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from agentspec.api.errors import PluginBroken
from agentspec.cli import explain, schema
from agentspec.registry import Registry

SPEC = "agentspec: 1\nname: test\nmodels: {tiny: fake/echo}\nnodes:\n  sort: {lm: tiny, promt: unfinished}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "agents" / "one").mkdir(parents=True)
    (tmp_path / "agents" / "one" / "agent.yaml").write_text(SPEC, encoding="utf-8")
    return tmp_path


def call(command: click.Command, *words: str) -> Result:
    return CliRunner().invoke(command, words, catch_exceptions=False)


def test_the_schema_goes_to_stdout(folder: Path) -> None:
    printed = json.loads(call(schema.command).stdout)
    assert "pocket/triage" not in printed
    assert set(printed["$defs"]) >= {"lm_node", "map_node", "retry"}
    assert [path for path in folder.iterdir() if path.name != "agents"] == []


def test_write_says_how_to_use_what_it_wrote(folder: Path) -> None:
    said = call(schema.command, "--write").stderr
    assert (folder / ".agentspec" / "schema.json").is_file()
    assert "# yaml-language-server: $schema=./.agentspec/schema.json\n" in said


def test_a_schema_for_a_spec_lies_beside_it_and_offers_its_names(folder: Path) -> None:
    said = call(schema.command, "--write", "--for", "agents/one").stderr
    text = (folder / "agents" / "one" / ".agentspec" / "schema.json").read_text(encoding="utf-8")
    offered = json.loads(text)["$defs"]["lm_node"]["properties"]
    assert [one["label"] for one in offered["lm"]["defaultSnippets"]] == ["tiny"]
    assert [one["label"] for one in offered["after"]["anyOf"][0]["defaultSnippets"]] == ["sort"]
    assert "$schema=./.agentspec/schema.json\n" in said


def test_the_names_of_other_files_of_a_spec_are_offered(folder: Path) -> None:
    (folder / "models.yaml").write_text("models: {shared: fake/echo}\n", encoding="utf-8")
    spec = folder / "agent.yaml"
    spec.write_text("include: ./models.yaml\n" + SPEC, encoding="utf-8")
    assert '"label": "shared"' in call(schema.command, "--for", "agent.yaml").stdout
    spec.write_text("include: ./missing.yaml\n" + SPEC, encoding="utf-8")
    assert '"label": "tiny"' in call(schema.command, "--for", "agent.yaml").stdout


def test_another_file_is_named_as_the_spec_sees_it(folder: Path) -> None:
    said = call(schema.command, "--out", "schema.json", "--for", "agents/one/agent.yaml").stderr
    assert (folder / "schema.json").is_file()
    assert "# yaml-language-server: $schema=../../schema.json\n" in said


def test_a_file_that_cannot_be_written_is_a_message(folder: Path) -> None:
    (folder / "taken").write_text("")
    done = call(schema.command, "--out", "taken/schema.json")
    assert done.exit_code == 1
    assert "taken" in done.stderr
    assert "Traceback" not in done.output


def test_a_plugin_that_is_broken_is_named_and_left_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "strange_plugin.py").write_text(
        "from agentspec.api import hookimpl\n@hookimpl\ndef agentspec_register_tools():\n    return [3]\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    fake = EntryPoint("fake", "agentspec.testing.fake", "agentspec")
    points = [EntryPoint("bad", "no_such_module", "agentspec"), EntryPoint("odd", "strange_plugin", "agentspec"), fake]
    found, broken = Registry(points).installed()
    assert set(found.backends) == {"fake"}
    assert [type(error) for error in broken] == [PluginBroken, PluginBroken]
    monkeypatch.setattr("agentspec.registry.registry.entry_points", lambda group: points)
    done = call(schema.command)
    assert "fake/echo" in done.stdout
    assert "warning: plugin `bad`" in done.stderr
    assert "warning: plugin `odd`" in done.stderr


def test_explain_tells_all_that_is_known_of_a_field() -> None:
    said = call(explain.command, "timeout").stdout
    for part in ("cancelled after this long", "a duration: 500ms", "example  timeout: 30s", "every node"):
        assert part in said
    assert "a whole number, 0 to 20" in call(explain.command, "retry.times").stdout
    assert "[timeout, rate_limit, unavailable]" in call(explain.command, "retry.on").stdout
    assert "required" in call(explain.command, "map.over").stdout


def test_explain_tells_the_fields_of_a_place() -> None:
    said = call(explain.command, "map").stdout
    assert "Runs its block once for each item" in said
    assert "\n  over  " in said
    assert "\n  timeout  " not in said, "what every node takes is told by `explain node`"


@pytest.mark.parametrize(("word", "meant"), [("timeot", "timeout"), ("map.ovr", "map.over"), ("as3011", "AS3")])
def test_explain_suggests(word: str, meant: str) -> None:
    done = call(explain.command, word)
    assert done.exit_code == 2
    assert f"Did you mean {meant}" in done.stderr


def test_an_error_code_is_explained_without_pydantic() -> None:
    code = (
        "import sys\nfrom agentspec.cli.explain import command\n"
        "try: command.main(['AS301'], standalone_mode=False)\nfinally: print('LOADED', *sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "# AS301" in done.stdout
    assert not {"pydantic", "networkx", "yaml"} & set(done.stdout.partition("LOADED")[2].split())
