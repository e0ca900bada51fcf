"""The command `agentspec check SPEC…`."""

from __future__ import annotations

import json

import click

from agentspec.cli.loading import binding_options, load
from agentspec.cli.render.errors import coloured
from agentspec.spec.diagnostics import Diagnostic, SpecInvalid, as_json, exit_code, github, render_all


@click.command("check")
@click.argument("specs", nargs=-1, required=True, metavar="SPEC…")
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "github"]), default="text", help="Form of the answer."
)
@binding_options
def command(specs: tuple[str, ...], form: str, profile: str | None, bind: tuple[str, ...]) -> int:
    """Find all that is wrong with specs, before anything runs.

    SPEC is a file, or a folder with an agent.yaml. Exit code 0 when there is no error, 3 when there is one, 7
    when all that is wrong is a missing plugin.
    """
    found: list[Diagnostic] = []
    for spec in specs:
        try:
            found += load(spec, profile, bind)[0].diagnostics
        except SpecInvalid as error:
            found += error.diagnostics
    if form == "json":
        click.echo(json.dumps([as_json(one) for one in found], ensure_ascii=False, indent=2))
    elif form == "github":
        for one in found:
            click.echo(github(one))
    elif found:
        click.echo(coloured(render_all(found)), err=True)
    else:
        click.echo(f"{', '.join(specs)}: no problems", err=True)
    return exit_code(found)
