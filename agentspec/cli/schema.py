"""The command `agentspec schema`."""

from __future__ import annotations

import json
from pathlib import Path

import click

SCHEMA_FILE = Path(".agentspec") / "schema.json"


@click.command("schema")
@click.option("--write", is_flag=True, help=f"Write to {SCHEMA_FILE} beside the spec, where editors look for it.")
def command(write: bool) -> None:
    """Print the JSON Schema of specs, for editors that check and complete YAML."""
    if write:
        write_schema(SCHEMA_FILE)
        click.echo(f"wrote {SCHEMA_FILE}", err=True)
    else:
        click.echo(schema_text())


def write_schema(path: Path) -> None:
    """Write the schema, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(schema_text() + "\n", encoding="utf-8")


def schema_text() -> str:
    """The schema as indented JSON."""
    from agentspec.spec.editor_schema import spec_schema

    return json.dumps(spec_schema(), indent=2)
