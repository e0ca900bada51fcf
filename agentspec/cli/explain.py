"""The command `agentspec explain CODE|FIELD`."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import click

from agentspec.api.codes import CODES
from agentspec.spec.diagnostics import suggest


@click.command("explain")
@click.argument("word", metavar="[CODE|FIELD]", required=False)
def command(word: str | None) -> None:
    """Explain an error code (AS301) or a field of a spec (timeout, map.over). Without a word, list all codes."""
    if word is None:
        for known, title in CODES.items():
            click.echo(f"{known}  {title}")
    elif word.upper() in CODES:
        click.echo(page(word.upper()))
    elif re.fullmatch(r"(?i)as\d+", word):
        raise _unknown("code", word, list(CODES))
    else:
        click.echo(_field(word.rstrip(":")))


def page(code: str) -> str:
    """The docs page of a code: shipped with the package, or in the checkout that it runs from."""
    shipped = resources.files("agentspec") / "pages" / f"{code}.md"
    if shipped.is_file():
        return shipped.read_text(encoding="utf-8")
    return (Path(__file__).parents[2] / "docs" / "errors" / f"{code}.md").read_text(encoding="utf-8")


def _field(word: str) -> str:
    """What is known of a field, of all that have this name, and of the place that is called so."""
    from agentspec.cli.render.fields import field_text, place_text
    from agentspec.spec import fields
    from agentspec.spec.field_docs import PLACES

    found = [field_text(one) for one in fields.find(word)]
    found += [place_text(word)] if word in PLACES else []
    if not found:
        raise _unknown("code or field", word, [*fields.words(), *CODES])
    return "\n\n".join(found)


def _unknown(what: str, word: str, known: list[str]) -> click.UsageError:
    close = suggest(word, known)
    return click.UsageError(f"There is no {what} '{word}'.{f' Did you mean {close}?' if close else ''}")
