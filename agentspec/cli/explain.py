"""The command `agentspec explain CODE`."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import click

from agentspec.api.codes import CODES
from agentspec.spec.diagnostics import suggest


@click.command("explain")
@click.argument("code", required=False)
def command(code: str | None) -> None:
    """Explain an error code, with an example and what to do. Without a code, list all of them."""
    if code is None:
        for known, title in CODES.items():
            click.echo(f"{known}  {title}")
        return
    word = code.upper()
    if word not in CODES:
        close = suggest(word, CODES)
        raise click.UsageError(f"There is no code '{code}'.{f' Did you mean {close}?' if close else ''}")
    click.echo(page(word))


def page(code: str) -> str:
    """The docs page of a code: shipped with the package, or in the checkout that it runs from."""
    shipped = resources.files("agentspec") / "pages" / f"{code}.md"
    if shipped.is_file():
        return shipped.read_text(encoding="utf-8")
    return (Path(__file__).parents[2] / "docs" / "errors" / f"{code}.md").read_text(encoding="utf-8")
