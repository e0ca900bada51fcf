"""The command `agentspec graph SPEC`."""

from __future__ import annotations

from typing import IO

import click

from agentspec.cli.loading import load_plan


@click.command("graph")
@click.argument("spec")
@click.option(
    "--format", "form", type=click.Choice(["text", "mermaid", "dot", "svg"]), default="text", help="Kind of picture."
)
@click.option("-o", "--output", type=click.File("w", "utf-8", lazy=True), default="-", help="Write to a file.")
def command(spec: str, form: str, output: IO[str]) -> None:
    """Draw an agent, without running it and without network.

    An edge that others imply is left out: where c waits for b and b for a, there is no line from a to c.
    """
    from agentspec.plan import draw

    checked, _ = load_plan(spec)
    assert checked.plan is not None
    picture = draw.picture(checked.plan)
    makers = {"text": draw.as_text, "mermaid": draw.as_mermaid, "dot": draw.as_dot, "svg": draw.as_svg}
    click.echo(makers[form](picture).rstrip("\n"), file=output)
    if output.name != "-":
        click.echo(f"wrote {output.name}", err=True)
