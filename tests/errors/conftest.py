from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from agentspec.cli.main import main

PLUGIN = Path(__file__).parent / "plugin"


@pytest.fixture(autouse=True)
def odd_plugin(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with the plugin that goes wrong, on the path."""
    monkeypatch.syspath_prepend(str(PLUGIN))
    return PLUGIN


@dataclass(frozen=True)
class Answer:
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str


Command = Callable[..., Answer]


@pytest.fixture
def agentspec(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Command:
    """Calls the command line in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> Answer:
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["agentspec", *words])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capfd.readouterr()
        code = left.value.code
        assert isinstance(code, int)
        return Answer(code, out, err)

    return call
