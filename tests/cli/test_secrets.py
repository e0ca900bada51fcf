"""A secret that a model answers with, or that an error would name, shows nowhere in a run."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Cli

CANARY = "sk-canary-0123"
SPEC = """\
agentspec: 1
name: leak
models:
  told: {use: fake/script, answers: ["The key is ${{ secrets.PLACE }}."]}
nodes:
  say: {lm: told, prompt: What is the key?}
  again: {lm: told, prompt: "Is it ${{ say }}?"}
result: {said: "${{ again }}"}
"""
FAILS = """\
agentspec: 1
name: leak
models:
  told: {use: fake/script, answers: ["The key is ${{ env.MY_TOKEN }}."]}
  lost: {use: fake/script, file: "/nowhere/${{ env.MY_TOKEN }}"}
nodes:
  say: {lm: told, prompt: What is the key?}
  fail: {lm: lost, prompt: "${{ say }}"}
result: ${{ fail }}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "leak.yaml").write_text(SPEC, encoding="utf-8")
    (tmp_path / "fails.yaml").write_text(FAILS, encoding="utf-8")
    (tmp_path / ".env").write_text(f"PLACE={CANARY}\nexport MY_TOKEN='{CANARY}'\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("words", [(), ("--json",), ("--events", "-"), ("--events", "events.jsonl")])
def test_a_run_that_goes_well(words: tuple[str, ...], cli: Cli, folder: Path) -> None:
    done = cli("run", "leak.yaml", *words)
    assert done.returncode == 0
    shown = done.stdout + done.stderr + "".join(one.read_text("utf-8") for one in folder.glob("events.jsonl"))
    assert CANARY not in shown
    assert "The key is ***." in shown


@pytest.mark.parametrize("words", [(), ("--json",), ("--events", "-")])
def test_a_run_that_fails(words: tuple[str, ...], cli: Cli, folder: Path) -> None:
    done = cli("run", "fails.yaml", *words)
    assert done.returncode != 0
    assert CANARY not in done.stdout + done.stderr
    assert "/nowhere/***" in done.stderr


def test_the_live_tree_on_a_terminal(cli: Cli, folder: Path) -> None:
    parent, child = pty.openpty()
    words = [sys.executable, "-m", "agentspec", "run", "leak.yaml"]
    with subprocess.Popen(words, cwd=folder, stdout=child, stderr=child, stdin=child) as process:
        os.close(child)
        shown = b""
        while True:
            try:
                piece = os.read(parent, 65536)
            except OSError:
                break
            if not piece:
                break
            shown += piece
        assert process.wait(timeout=60) == 0
    os.close(parent)
    assert CANARY.encode() not in shown
    assert b"***" in shown


def test_the_environment_wins_over_the_file(cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = SPEC.replace("secrets.PLACE", "env.PLACE")
    (folder / "leak.yaml").write_text(spec, encoding="utf-8")
    assert json.loads(cli("run", "leak.yaml", "--json").stdout)["result"] == {"said": f"The key is {CANARY}."}
    monkeypatch.setenv("PLACE", "from the process")
    assert json.loads(cli("run", "leak.yaml", "--json").stdout)["result"] == {"said": "The key is from the process."}


@pytest.mark.parametrize(
    "option",
    ["${{ secrets.NOT_SET }}", "${{ env.NOT_SET | upper }}", "a ${{ env.NOT_SET }}", "${{ 'x' ~ env.NOT_SET }}"],
)
def test_a_variable_that_is_not_set_is_named_wherever_it_stands(option: str, cli: Cli, folder: Path) -> None:
    (folder / "leak.yaml").write_text(SPEC.replace("The key is ${{ secrets.PLACE }}.", option), encoding="utf-8")
    done = cli("run", "leak.yaml")
    assert (done.returncode, done.stdout) == (1, "")
    assert "error[AS217]: the environment variable `NOT_SET` is not set" in done.stderr
    assert "= export NOT_SET=…, or a line NOT_SET=… in .env" in done.stderr
    assert CANARY not in done.stderr
    for command in ("check", "plan", "graph"):
        assert cli(command, "leak.yaml").returncode == 0


def test_a_default_does_without_the_variable(cli: Cli, folder: Path) -> None:
    text = SPEC.replace("secrets.PLACE", "secrets.NOT_SET | default('nothing')")
    (folder / "leak.yaml").write_text(text, encoding="utf-8")
    assert json.loads(cli("run", "leak.yaml", "--json").stdout)["result"] == {"said": "The key is nothing."}
