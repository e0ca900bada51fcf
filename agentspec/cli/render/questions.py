"""What persons are asked: shown, and asked where a person sits at a terminal."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

import click

from agentspec.api.events import Question, StepPaused
from agentspec.api.messages import Json
from agentspec.cli.render.errors import printable
from agentspec.spec.compose.places import project_of

_MOST_LINES = 200
_LONGEST = 400
"""Characters of a line; what is shown comes from models and files, and may be anything."""


def shown(value: Json) -> list[str]:
    """A value as indented lines that are harmless to a terminal."""
    lines = [printable(line) for line in _lines(value)]
    lines = [line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…" for line in lines]
    more = len(lines) - _MOST_LINES
    return [*lines[:_MOST_LINES], f"… {more} more lines"] if more > 0 else lines


def _lines(value: Json) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _entry(f"{key}:", item)
    elif isinstance(value, list) and value:
        for item in value:
            yield from _entry("-", item)
    elif isinstance(value, str) and value:
        yield from value.replace("\r\n", "\n").split("\n")
    else:
        yield _scalar(value)


def _entry(head: str, value: Json) -> Iterator[str]:
    nested = isinstance(value, Mapping | list) and value
    if nested or (isinstance(value, str) and "\n" in value):
        yield head
        yield from (f"  {line}" for line in _lines(value))
    else:
        yield f"{head} {value if isinstance(value, str) else _scalar(value)}"


def _scalar(value: Json) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def show_question(path: str, question: Question, asked: float | None = None) -> None:
    """Show one question on stderr."""
    who = f"  for {printable(question.by)}" if question.by else ""
    when = "" if asked is None else f"  asked {datetime.fromtimestamp(asked):%Y-%m-%d %H:%M:%S}"
    click.echo(f"\n{click.style('?', fg='yellow', bold=True)} {click.style(path, bold=True)}{who}{when}", err=True)
    for line in shown(question.show):
        click.echo(f"  {line}", err=True)


def show_open(run: str, questions: Sequence[StepPaused], folder: Path) -> None:
    """Show what a paused run asks, and the commands that answer."""
    for path, _, question, asked in questions:
        show_question(path, question, asked)
        click.echo("  answer with one of", err=True)
        for choice in question.choices:
            words = f"--answer {shlex.quote(f'{path}={choice}')}"
            click.echo(f"    {resume_command(run, folder, words)}", err=True)


def resume_command(run: str, folder: Path, words: str = "") -> str:
    """The command that goes on with a run of a spec in `folder`."""
    project = project_of(folder)
    elsewhere = "" if project == project_of(Path()) else f" --project {shlex.quote(os.path.relpath(project))}"
    return printable(f"agentspec resume {run}{elsewhere}{' ' if words else ''}{words}")


class AskInTerminal:
    """Asks the person at the terminal, one question after the other.

    Args:
        hidden: keeps everything else off the screen.
    """

    def __init__(self, hidden: Callable[[], AbstractContextManager[None]]) -> None:
        self._hidden = hidden
        self._one = asyncio.Lock()

    async def __call__(self, path: str, question: Question) -> str | None:
        """The choice; None when the person closes the input (Ctrl-D)."""
        async with self._one:
            with self._hidden():
                show_question(path, question)
                for number, choice in enumerate(question.choices, 1):
                    click.echo(f"  {number}  {printable(choice)}", err=True)
                while True:
                    click.echo("answer: ", err=True, nl=False)
                    line = await _line()
                    if not line:
                        click.echo(err=True)
                        return None
                    choice_made = _choice(line.strip(), question.choices)
                    if choice_made is not None:
                        return choice_made
                    click.echo(f"  a number from 1 to {len(question.choices)}, or the word itself", err=True)


def _choice(word: str, choices: Sequence[str]) -> str | None:
    if word in choices:
        return word
    if word.isascii() and word.isdigit() and 1 <= int(word[:6]) <= len(choices):
        return choices[int(word[:6]) - 1]
    return None


async def _line() -> str:
    """The next line from stdin; empty at its end. Unlike a thread that reads, this can be cancelled."""
    loop, descriptor = asyncio.get_running_loop(), sys.stdin.fileno()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(descriptor, lambda: None if ready.done() else ready.set_result(None))
    try:
        await ready
    finally:
        loop.remove_reader(descriptor)
    return os.read(descriptor, 4096).decode("utf-8", errors="replace")
