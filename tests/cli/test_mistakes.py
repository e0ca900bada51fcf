"""Mistakes at the command line: each is told in plain words, with its exit code and a way out, never as a traceback."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import SPEC, Cli


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("run", ".", "--events", "no/such/folder/events.jsonl"), "Could not open file 'no/such/folder/events.jsonl'"),
        (("run", ".", "--json", "--events", "-"), "--json and --events - both write to stdout"),
        (("graph", ".", "-o", "."), "Could not open file '.'"),
        (("init", "agent.yaml/desk"), "'agent.yaml/desk' cannot be made"),
        (("runs", "list", "--project", "nowhere"), "--project takes a spec or a folder, and there is no 'nowhere'"),
        (("resume", "--project", "nowhere"), "--project takes a spec or a folder, and there is no 'nowhere'"),
        (("models", "stats", "--project", "nowhere"), "--project takes a spec or a folder, and there is no 'nowhere'"),
    ],
)
def test_what_cannot_be_done_is_told_before_anything_is_done(words: tuple[str, ...], told: str, cli: Cli) -> None:
    done = cli(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert "sort  LM" not in done.stderr, "no tree of a run that never was"


@pytest.mark.parametrize("words", ["run .", "config .", "graph . --format svg"])
@pytest.mark.parametrize(
    ("into", "told"), [("> /dev/full", "the output cannot be written: No space left"), (">&-", "")]
)
def test_output_that_nobody_takes_is_no_traceback(words: str, into: str, told: str, cli: Cli, tmp_path: Path) -> None:
    command = f"{shlex.quote(sys.executable)} -m agentspec {words} {into}"
    done = subprocess.run(command, cwd=tmp_path, shell=True, capture_output=True, text=True, check=False)
    assert told in done.stderr
    assert done.returncode == (1 if told else 0)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [("runs", "list"), ("models", "stats")])
def test_where_nothing_is_recorded_the_project_is_named_and_how_to_name_another(
    words: tuple[str, ...], cli: Cli, tmp_path: Path
) -> None:
    done = cli(*words)
    assert done.returncode == 0
    assert f"recorded in {tmp_path}\n" in done.stderr
    assert "--project SPEC" in done.stderr


def test_an_output_folder_that_cannot_be_made_is_no_defect_of_the_plugin(cli: Cli, tmp_path: Path) -> None:
    pytest.importorskip("agentspec_office", reason="the spec drafts a mail")
    draft = 'tool: mail.draft, with: {to: a@example.org, subject: Hello, body: "${{ inputs.note }}"}'
    (tmp_path / "agent.yaml").write_text(
        SPEC.replace("nodes:\n", f"tools: {{mail: mail}}\nnodes:\n  save: {{{draft}}}\n"), encoding="utf-8"
    )
    done = cli("run", ".", "--out", "agent.yaml")
    assert done.returncode == 1
    assert "error[AS601]: the output folder `" in done.stderr
    assert "choose another with --out" in done.stderr


def test_the_commands_that_init_proposes_can_be_pasted(cli: Cli) -> None:
    assert "agentspec run 'my desk/agent.yaml'" in cli("init", "my desk").stderr


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("sort: {lm: small,", "sort: {lm: fake/echo,", "give it a name under `models:`, and write that name here"),
        ("inputs:\n  note: {type: string, default: The printer is broken.}\n", "", "the spec declares no `inputs:`"),
        ("nodes:\n", "nodes:\n  get: {tool: mail.read}\n", "declare it: `tools: {mail: TOOLSET}`"),
        ("nodes:\n", "nodes:\n  a: {lm: small}\n", "`a`: an LM node has either `prompt` or `messages`"),
        ("nodes:\n", "nodes:\n  a: {lm: small, prompt: x, max_turns: 3}\n", "needs `tools` and `max_turns` together"),
        ("nodes:\n", "nodes:\n  a: {controller: approve, show: x, choices: []}\n", "`choices` must have at least 1"),
        ("nodes:\n", "nodes:\n  a: {controller: agent, spec: b.yaml}\n", "`b.yaml` cannot be read: there is no"),
    ],
)
def test_a_mistake_of_a_spec_says_what_to_write(old: str, new: str, told: str, cli: Cli, tmp_path: Path) -> None:
    assert old in SPEC
    (tmp_path / "agent.yaml").write_text(SPEC.replace(old, new, 1), encoding="utf-8")
    done = cli("check", ".")
    assert done.returncode == 3
    assert told in done.stderr
