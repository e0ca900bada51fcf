"""The command `agentspec schema`."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from agentspec.spec.editor_schema import Names

SCHEMA_FILE = Path(".agentspec") / "schema.json"


@click.command("schema")
@click.option("--write", is_flag=True, help=f"Write to {SCHEMA_FILE}, where specs in this folder look for it.")
@click.option("-o", "--out", "target", type=click.Path(path_type=Path), metavar="FILE", help="Write to this file.")
@click.option("--for", "spec", metavar="SPEC", help="Offer the names of this spec, too, and write beside it.")
def command(write: bool, target: Path | None, spec: str | None) -> None:
    """Print the JSON Schema of specs, for editors that check and complete YAML."""
    if not write and target is None:
        click.echo(schema_text(spec))
        return
    path = target or _folder(spec) / SCHEMA_FILE
    try:
        write_schema(path, spec)
    except OSError as error:
        raise click.FileError(str(path), error.strerror or str(error)) from error
    click.echo(f"wrote {path}; a spec uses it with this as its first line:\n{modeline(path, _folder(spec))}", err=True)


def write_schema(path: Path, spec: str | None = None) -> None:
    """Write the schema, making its folder. Raises `OSError`."""
    text = schema_text(spec)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")


def schema_text(spec: str | None = None) -> str:
    """The schema as indented JSON, with all that plugins bring; broken ones are named on stderr."""
    from agentspec.registry import Registry
    from agentspec.spec.editor_schema import spec_schema

    installed, broken = Registry().installed()
    for error in broken:
        click.echo(f"warning: {error}; the schema does without it", err=True)
    schema = spec_schema(installed, None if spec is None else _names(spec))
    return json.dumps(schema, indent=2, ensure_ascii=False)


def modeline(schema: Path, folder: Path) -> str:
    """The comment by which a spec in `folder` names its schema."""
    import os

    way = Path(os.path.relpath(schema, folder)).as_posix()
    return f"# yaml-language-server: $schema={way if way.startswith('../') else './' + way}"


def _folder(spec: str | None) -> Path:
    return Path() if spec is None else _file(spec).parent


def _file(spec: str) -> Path:
    from agentspec.cli.loading import spec_path

    return spec_path(spec)


def _names(spec: str) -> Names:
    """The names of a spec that may be half written: only its text has to be sound. Raises `SpecInvalid`."""
    from agentspec.spec.compose import compose
    from agentspec.spec.diagnostics import SpecInvalid
    from agentspec.spec.editor_schema import names_of
    from agentspec.spec.text.loader import load, read

    document = load(read(_file(spec)))
    with suppress(SpecInvalid):  # its own names are better than none
        document = compose(document, _file(spec).resolve().parent)
    return names_of(document.data)
