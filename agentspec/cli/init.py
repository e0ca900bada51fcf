"""The command `agentspec init NAME`."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import click

from agentspec.cli.schema import SCHEMA_FILE, write_schema

_TEMPLATES = ("start", "inbox")
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.py", "out", ".agentspec")


@click.command("init")
@click.argument("name")
@click.option("-t", "--template", type=click.Choice(_TEMPLATES), default="start", help="What to begin with.")
def command(name: str, template: str) -> None:
    """Make a folder NAME with an agent that runs at once, without key and network."""
    target = Path(name)
    word = re.sub(r"[^a-z0-9_]+", "_", target.name.lower()).strip("_0123456789") or "agent"
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise click.UsageError(f"'{target}' exists and is not an empty folder.")
    spec = target / "agent.yaml"
    try:
        shutil.copytree(template_folder(template), target, dirs_exist_ok=True, ignore=_LEFT_OUT)
        text = spec.read_text(encoding="utf-8")
        spec.write_text(re.sub(r"^name: .*$", f"name: {word}", text, count=1, flags=re.MULTILINE), encoding="utf-8")
        write_schema(target / SCHEMA_FILE)
    except OSError as error:
        raise click.UsageError(f"'{target}' cannot be made: {error.strerror or error}.") from error
    word = shlex.quote(str(spec))
    click.echo(f"made {target}; try:\n  agentspec check {word}\n  agentspec run {word}", err=True)


def template_folder(template: str) -> Path:
    """Where a template lies: in the package, or in the checkout that the package runs from."""
    here = Path(__file__).parent / "templates" / template
    return here if here.is_dir() else Path(__file__).parents[2] / "agents" / template
