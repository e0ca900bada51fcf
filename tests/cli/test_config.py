"""`agentspec config` and `agentspec migrate` as a person uses them."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from .conftest import SPEC, Cli

AGENT = """\
extends: shared/base.yaml
name: mine
models:
  large: {confidence: 1}   # the rest stands in the base
nodes:
  answer: {lm: large, prompt: "${{ sort.topic }}"}
result: ${{ answer }}
"""
BASE = """\
agentspec: 1
include: types.yaml
inputs:
  note: {type: string, default: Hello.}
models:
  small: fake/echo
  large:
    use: fake/echo
    file: ${{ secrets.CANARY_KEY }}
nodes:
  sort:
    lm: small
    prompt: |
      Sort this.
      ${{ inputs.note }}
    output: Sorted
profiles:
  sure:
    models:
      small: {use: fake/echo, confidence: 0.9}
"""
TYPES = "types: {Sorted: {topic: order | repair}}\n"
RESOLVED = """\
agentspec: 1  # shared/base.yaml:1
name: mine  # agent.yaml:2
inputs:
  note:
    type: string  # shared/base.yaml:4
    default: Hello.  # shared/base.yaml:4
types:
  Sorted:
    topic: order | repair  # shared/types.yaml:1
models:
  small:
    use: fake/echo  # shared/base.yaml:20
    confidence: 0.9  # shared/base.yaml:20
  large: fake/script  # --bind
nodes:
  sort:
    lm: small  # shared/base.yaml:12
    prompt: |  # shared/base.yaml:13
      Sort this.
      ${{ inputs.note }}
    output: Sorted  # shared/base.yaml:16
  answer:
    lm: large  # agent.yaml:6
    prompt: ${{ sort.topic }}  # agent.yaml:6
result: ${{ answer }}  # agent.yaml:7
profiles:
  sure:
    models:
      small:
        use: fake/echo  # shared/base.yaml:20
        confidence: 0.9  # shared/base.yaml:20
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shared").mkdir()
    for name, text in (("agent.yaml", AGENT), ("shared/base.yaml", BASE), ("shared/types.yaml", TYPES)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_the_resolved_file_says_where_each_value_comes_from(cli: Cli, folder: Path) -> None:
    (folder / ".env").write_text("CANARY_KEY=sk-canary\n", encoding="utf-8")
    done = cli("config", "agent.yaml", "--origin", "--profile", "sure", "--bind", "large=fake/script")
    assert (done.returncode, done.stdout, done.stderr) == (0, RESOLVED, "")


def test_the_resolved_file_is_a_spec_that_means_the_same(cli: Cli, folder: Path) -> None:
    (folder / ".env").write_text("CANARY_KEY=sk-canary\n", encoding="utf-8")
    done = cli("config", ".")
    assert done.returncode == 0
    assert "file: ${{ secrets.CANARY_KEY }}\n" in done.stdout
    assert "sk-canary" not in done.stdout
    (folder / "one.yaml").write_text(done.stdout, encoding="utf-8")
    assert json.loads(cli("config", "one.yaml", "--format", "json").stdout) == json.loads(
        cli("config", "agent.yaml", "--format", "json").stdout
    )
    plans = [json.loads(cli("plan", name, "--json").stdout) for name in ("one.yaml", "agent.yaml")]
    assert plans[0]["steps"] == plans[1]["steps"]
    assert [step["step"] for step in plans[0]["steps"]] == ["sort", "answer"]


def test_bindings_of_all_models_win_over_a_profile(cli: Cli, folder: Path) -> None:
    done = cli("config", "agent.yaml", "--format", "json", "--profile", "sure", "--bind", "*=fake/x")
    assert json.loads(done.stdout)["models"] == {"small": "fake/x", "large": "fake/x"}


@pytest.mark.parametrize(
    "words", [("--origin", "--format", "json"), ("--profile", "nowhere"), ("--bind", "nobody=fake/x"), ("--bind", "x")]
)
def test_options_that_cannot_be_met(words: tuple[str, ...], cli: Cli, folder: Path) -> None:
    done = cli("config", "agent.yaml", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_a_spec_that_is_broken_in_another_file(cli: Cli, folder: Path) -> None:
    (folder / "shared" / "types.yaml").write_text("types: {Sorted: {topic: order}}\nnames: {}\n", encoding="utf-8")
    for command in ("config", "check", "run"):
        done = cli(command, "agent.yaml")
        assert (done.returncode, done.stdout) == (3, "")
        assert "error[AS214]" in done.stderr
        assert "--> shared/types.yaml:2:1\n" in done.stderr


# migrate


def test_migrate_shows_what_would_change_and_changes_nothing(cli: Cli, tmp_path: Path) -> None:
    text = "# mine\nname: x\nmodels: {m: fake/echo}\nnodes:\n  a: {llm: m, prompt: Hello.}   # say it\n"
    (tmp_path / "old.yaml").write_text(text, encoding="utf-8")
    done = cli("migrate", "old.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "--- old.yaml\n+++ old.yaml\n@@ -1,5 +1,6 @@\n # mine\n+agentspec: 1\n name: x\n models: {m: fake/echo}\n"
        " nodes:\n-  a: {llm: m, prompt: Hello.}   # say it\n+  a: {lm: m, prompt: Hello.}   # say it\n"
    )
    assert (tmp_path / "old.yaml").read_text(encoding="utf-8") == text


def test_migrate_writes_the_file_and_then_it_checks(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "agent.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + SPEC.replace("agentspec: 1", 'agentspec: "1"').replace("${{", "{{").encode())
    path.chmod(0o640)
    assert "`agentspec migrate` rewrites the file" in cli("check", "agent.yaml").stderr
    done = cli("migrate", ".", "--write")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "agent.yaml: migrated\n")
    assert path.read_bytes() == b"\xef\xbb\xbf" + SPEC.encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [one.name for one in tmp_path.iterdir()] == ["agent.yaml"]
    assert cli("check", "agent.yaml").returncode == 0
    again = cli("migrate", "agent.yaml", "--write")
    assert (again.returncode, again.stderr) == (0, "agent.yaml: nothing to migrate\n")


def test_migrate_does_not_write_through_a_link(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text("name: x\n", encoding="utf-8")
    (tmp_path / "link.yaml").symlink_to("old.yaml")
    done = cli("migrate", "link.yaml", "--write")
    assert done.returncode == 1
    assert "is not changed" in done.stderr
    assert (tmp_path / "old.yaml").read_text(encoding="utf-8") == "name: x\n"


def test_migrate_of_a_later_version(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "new.yaml").write_text("agentspec: 7\n", encoding="utf-8")
    done = cli("migrate", "new.yaml")
    assert (done.returncode, done.stdout) == (3, "")
    assert "error[AS206]" in done.stderr
