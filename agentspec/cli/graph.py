"""The command `agentspec graph SPEC`."""

from __future__ import annotations

from pathlib import Path

import click

from agentspec.cli.loading import load_plan


@click.command("graph")
@click.argument("spec")
@click.option(
    "--format", "form", type=click.Choice(["text", "mermaid", "dot", "svg"]), default="text", help="Kind of picture."
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to a file instead of stdout.")
def command(spec: str, form: str, output: Path | None) -> None:
    """Draw an agent, without running it and without network."""
    from agentspec.plan import draw

    checked, _ = load_plan(spec)
    assert checked.plan is not None
    picture = draw.picture(checked.plan)
    makers = {"text": draw.as_text, "mermaid": draw.as_mermaid, "dot": draw.as_dot, "svg": draw.as_svg}
    text = makers[form](picture)
    if output is None:
        click.echo(text.rstrip("\n"))
    else:
        output.write_text(text, encoding="utf-8")
        click.echo(f"wrote {output}", err=True)
