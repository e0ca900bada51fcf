"""The command `agentspec migrate SPEC`."""

from __future__ import annotations

import difflib

import click

from agentspec.cli.fixing import NotWritten, rewrite
from agentspec.cli.loading import spec_path
from agentspec.spec.frames import harmless
from agentspec.spec.migrate import migrate
from agentspec.spec.text.loader import read


@click.command("migrate")
@click.argument("spec")
@click.option("--write", is_flag=True, help="Write the file instead of showing what would change.")
def command(spec: str, write: bool) -> None:
    """Rewrite a file of an older version of the language, keeping comments and layout.

    Prints what would change, as a unified diff. Files that SPEC extends or includes are migrated by themselves.
    """
    path = spec_path(spec)
    before = read(path)
    after = migrate(before)
    name = harmless(before.name)
    if after.text == before.text:
        click.echo(f"{name}: nothing to migrate", err=True)
    elif not write:
        click.echo(_difference(before.text, after.text, name), nl=False)
    else:
        try:
            rewrite(path, before.text, after.text)
        except NotWritten as error:
            raise click.ClickException(f"{name} is not changed: {error}") from error
        click.echo(f"{name}: migrated", err=True)


def _difference(before: str, after: str, name: str) -> str:
    """Return a unified diff, safe to print; a carriage return at the end of a line belongs to the line break."""
    old, new = (text.removesuffix("\n").split("\n") for text in (before, after))
    lines = difflib.unified_diff(old, new, name, name, lineterm="")
    return "".join(harmless(line.removesuffix("\r")) + "\n" for line in lines)
