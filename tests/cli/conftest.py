"""The command line as a person uses it: a process of its own in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SPEC = """\
agentspec: 1
name: note
inputs:
  note: {type: string, default: The printer is broken.}
models: {small: fake/echo}
nodes:
  sort: {lm: small, prompt: "Sort: ${{ inputs.note }}", output: {topic: order | repair, urgent: boolean}}
  answer: {lm: small, prompt: "${{ sort.topic }}: ${{ inputs.note }}"}
result: {topic: "${{ sort.topic }}", answer: "${{ answer }}"}
"""

Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    (tmp_path / "agent.yaml").write_text(SPEC, encoding="utf-8")

    def run(*words: str, timeout: float = 60, columns: int = 100) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "agentspec", *words]
        environment = {**os.environ, "COLUMNS": str(columns), "NO_COLOR": "1"}
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=timeout, check=False
        )

    return run
