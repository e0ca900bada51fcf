"""Errors on stderr, in one form."""

from __future__ import annotations

import click

from agentspec.api.errors import AgentspecError
from agentspec.spec.diagnostics import Diagnostic, Severity, SpecInvalid, render, render_all

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


def show_error(error: AgentspecError) -> None:
    """Show an error with its code and the way out."""
    if isinstance(error, SpecInvalid) and error.diagnostics:
        click.echo(coloured(render_all(error.diagnostics)), err=True)
        return
    click.echo(f"{click.style(f'error[{error.code}]', fg='red', bold=True)}: {printable(error.message)}", err=True)
    if error.hint:
        click.echo(f"   = {printable(error.hint)}", err=True)
    click.echo(f"   = docs: agentspec explain {error.code}", err=True)


def coloured(text: str) -> str:
    """Colour the heads of rendered diagnostics; click drops colours where there is no terminal."""
    lines = []
    for line in text.split("\n"):
        for severity, colour in _COLOURS.items():
            if line.startswith(f"{severity}["):
                head, _, rest = line.partition(": ")
                line = f"{click.style(head, fg=colour, bold=True)}: {click.style(rest, bold=True)}"
        lines.append(line)
    return "\n".join(lines)


def show_diagnostic(diagnostic: Diagnostic) -> None:
    """Show one located message."""
    click.echo(coloured(render(diagnostic)), err=True)


def printable(text: str) -> str:
    """Make text from outside harmless to a terminal."""
    return "".join(char if char.isprintable() or char in "\n\t" else "�" for char in text)
