"""The command `agentspec check SPEC…`."""

from __future__ import annotations

from pathlib import Path

import click

from agentspec.cli.loading import binding_options, load
from agentspec.cli.render.errors import coloured, printable
from agentspec.spec.diagnostics import Diagnostic, SpecInvalid, exit_code, render_all


@click.command("check")
@click.argument("specs", nargs=-1, required=True, metavar="SPEC…")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif", "github"]),
    default="text",
    help="Form of the answer.",
)
@click.option("--fix", is_flag=True, help="Correct misspelt words in the files where that is safe.")
@binding_options
def command(specs: tuple[str, ...], form: str, fix: bool, profile: str | None, bind: tuple[str, ...]) -> int:
    """Find all that is wrong with specs, before anything runs.

    SPEC is a file, or a folder with an agent.yaml. Exit code 0 when there is no error, 3 when there is one, 7
    when all that is wrong is a missing plugin.
    """
    found: list[Diagnostic] = []
    for spec in specs:
        try:
            if fix:
                from agentspec.cli.fixing import fix_spec

                found += fix_spec(spec, profile, bind)
            else:
                found += load(spec, profile, bind)[0].diagnostics
        except SpecInvalid as error:
            found += error.diagnostics
    _show(found, form, specs)
    return exit_code(found)


def _show(found: list[Diagnostic], form: str, specs: tuple[str, ...]) -> None:
    if form == "json":
        from agentspec.spec.formats.data import as_json

        click.echo(as_json(found))
    elif form == "sarif":
        from agentspec.cli.explain import page
        from agentspec.spec.formats.sarif import as_sarif

        click.echo(as_sarif(found, Path.cwd(), page))
    elif form == "github":
        from agentspec.spec.formats.github import as_github

        for one in found:
            click.echo(as_github(one, Path.cwd()))
    elif found:
        click.echo(coloured(render_all(found)), err=True)
    else:
        click.echo(f"{printable(', '.join(specs))}: no problems", err=True)
