"""The real yaml-language-server: named by a variable, or installed once into a cache by npm."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .lsp import Editor

WANTED = Path(__file__).with_name("package.json")
PROGRAM = Path("node_modules", "yaml-language-server", "bin", "yaml-language-server")


@pytest.fixture(scope="session")
def server_command() -> list[str]:
    """How the language server is started. Without node the tests are skipped, except in CI."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        _give_up("node and npm are not installed: apt-get install nodejs npm")
    program = _folder() / PROGRAM
    if not program.is_file():
        _install(npm or "", _folder())
    return [node or "", str(program), "--stdio"]


def _folder() -> Path:
    if "YAML_LANGUAGE_SERVER" in os.environ:
        return Path(os.environ["YAML_LANGUAGE_SERVER"])
    version = json.loads(WANTED.read_text(encoding="utf-8"))["dependencies"]["yaml-language-server"]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "agentspec-tests" / f"yaml-language-server-{version}"


def _install(npm: str, folder: Path) -> None:
    """Install beside the folder and move it there: another test run may be about to do the same."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        shutil.copy(WANTED, made)
        options = ["--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run([npm, "install", *options], cwd=made, capture_output=True, text=True, timeout=100)
        if done.returncode != 0:
            _give_up(f"npm could not install yaml-language-server: {done.stderr.strip()[-300:]}")
        if not folder.exists():
            shutil.move(made, folder)
            Path(made).mkdir()


def _give_up(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def editor(server_command: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    """An editor that has opened a folder in which `agentspec schema --write` was called."""
    from agentspec.cli.schema import SCHEMA_FILE, write_schema

    folder = tmp_path_factory.mktemp("project")
    write_schema(folder / SCHEMA_FILE)
    opened = Editor(server_command, folder)
    yield opened
    opened.close()
