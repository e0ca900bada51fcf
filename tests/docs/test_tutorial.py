"""The tutorial, followed from top to bottom: every output that it shows is what comes out."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agentspec.cli.main import main
from agentspec.registry import Registry

from .fences import ROOT, Block, blocks, codes, section

TUTORIAL = ROOT / "docs" / "tutorial.md"
Follow = Callable[[str, list[str]], None]
NOT_HERE = ("python3 -m venv", ". .venv", "pip install", "agentspec doctor", "agentspec run post -i mailbox=inbox.mbox")
"""Lines that the test does not run: the installation, and files that only a reader has."""


def steps(block: Block) -> list[tuple[str, list[str]]]:
    """The command lines of a block, each with the lines shown below it."""
    found: list[tuple[str, list[str]]] = []
    for line in block.text.rstrip("\n").split("\n"):
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def assert_shown(shown: list[str], out: str, err: str, line: str) -> None:
    """What is shown comes in this order, from stdout and stderr; `…` stands for anything."""
    rest = [re.sub(r"\s+$", "", one) for one in f"{out}\n{err}".split("\n")]
    for one in shown:
        if one.strip() in ("", "…"):
            continue
        pattern = re.compile(r".*".join(re.escape(part) for part in one.rstrip().split("…")))
        at = next((at for at, given in enumerate(rest) if pattern.fullmatch(given)), None)
        assert at is not None, f"`{line}` does not show\n{one}\nbut\n{out}\n{err}"
        rest = rest[at + 1 :]


def swap(path: str, old: str, new: str) -> None:
    text = Path(path).read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path} has no `{old}`"
    Path(path).write_text(text.replace(old, new), encoding="utf-8")


def bare(text: str) -> str:
    """A spec without comments and blank lines."""
    return "\n".join(line.split("  #")[0].rstrip() for line in text.split("\n") if line.strip() and line[0] != "#")


@pytest.fixture
def follow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Follow:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def follow(line: str, shown: list[str]) -> None:
        if line.startswith(NOT_HERE) or ("ollama/" in line and "ollama" in Registry().namespaces()):
            return
        monkeypatch.setattr(sys, "argv", ["agentspec", *shlex.split(line)[1:]])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capfd.readouterr()
        assert_shown(shown, out, err, line)
        failed = any(one.startswith("error[") for one in shown)
        assert bool(left.value.code) is failed, f"{line}\n{err}"

    return follow


def test_the_tutorial_can_be_followed(follow: Follow) -> None:
    pytest.importorskip("agentspec_office", reason="the tutorial uses the plugin agentspec-office")
    pytest.importorskip("agentspec_pocket", reason="the tutorial uses the plugin agentspec-pocket")
    commands = 0
    first_spec, profile, letters = (one for one in blocks(TUTORIAL) if one.language == "yaml")
    for block in blocks(TUTORIAL):
        if block.text == first_spec.text:
            assert bare(Path("desk/agent.yaml").read_text(encoding="utf-8")) == bare(block.text).rstrip("\n")
        elif block.text == profile.text:
            path = Path("desk/agent.yaml")
            path.write_text(path.read_text(encoding="utf-8") + "\n" + block.text, encoding="utf-8")
        elif block.text == letters.text:
            Path("post/letters.yaml").write_text(block.text, encoding="utf-8")
        for line, shown in steps(block) if block.language == "console" else ():
            wrong = next((one for one in MISTAKES if any(one[2] in text for text in shown)), None)
            if wrong:
                swap(*wrong)
            follow(line, shown)
            if wrong:
                swap(wrong[0], wrong[2], wrong[1])
            commands += 1
    assert commands > 15


MISTAKES = [
    ("desk/agent.yaml", "on: sort.topic", "on: sort.topik"),
    ("desk/agent.yaml", "repair: {lm", "repairs: {lm"),
    ("post/letters.yaml", "limit: 3", "limit: three"),
]


def test_the_places_in_the_inbox_agent_are_there() -> None:
    text = section(TUTORIAL, "## The inbox agent")
    spec = (ROOT / "agents" / "inbox" / "agent.yaml").read_text(encoding="utf-8")
    assert "when: meta.sort.confidence | " in text
    assert "when: meta.sort.confidence | " in spec
    assert "message.body | truncate(900, true, '')" in text
    assert "message.body | truncate(900, true, '')" in spec
    assert not codes(text)
