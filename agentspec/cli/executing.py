"""What `run` and `resume` share: an agent at work, watched, and what is said in the end."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import IO, Any, TypeVar

import click
from rich.console import Console

from agentspec.api.errors import Exit
from agentspec.api.events import Event, Failure, Meta, Observer, Question
from agentspec.cli.render.errors import printable
from agentspec.cli.render.questions import AskInTerminal, resume_command, show_open
from agentspec.cli.render.report import as_data, show_report, show_result
from agentspec.cli.render.tree import LiveTree
from agentspec.plan.model import Plan
from agentspec.runtime import Outcome, Run, RunOptions
from agentspec.spec.formats.data import dumps

_F = TypeVar("_F", bound=Callable[..., Any])

_WIDTH = 100
"""Columns of the report where it does not go to a terminal."""

_ENCODED = Failure | Meta | Question


@dataclass(frozen=True, slots=True)
class Show:
    """How a person wants to see the run, and whether there is one to be asked."""

    as_json: bool
    events: IO[str] | None
    ask: bool

    @property
    def events_on_stdout(self) -> bool:
        """Whether stdout is for events only."""
        return self.events is not None and self.events.name == "-"

    @property
    def can_ask(self) -> bool:
        """Whether a person sits at a terminal and is to be asked there."""
        quiet = self.as_json or self.events_on_stdout
        return self.ask and not quiet and sys.stdin.isatty() and sys.stderr.isatty()


def showing_options(command: _F) -> _F:
    """Add `--json`, `--events` and `--no-ask`."""
    for option in (
        click.option("--no-ask", is_flag=True, help="Never ask in the terminal: pause the run instead."),
        click.option(
            "--events", type=click.File("w", "utf-8", lazy=True), help="Write events as JSON Lines, `-` for stdout."
        ),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object about the whole run."),
    ):
        command = option(command)
    return command


def carry_out(
    plan: Plan,
    options: RunOptions,
    show: Show,
    make: Callable[[RunOptions], Run],
    go: Callable[[Run], Awaitable[Outcome]],
    past: Iterable[Event] = (),
) -> int:
    """Let an agent work, and tell how it went. Returns the exit code. Raises usage errors."""
    if show.as_json and show.events_on_stdout:
        raise click.UsageError("--json and --events - both write to stdout: choose one, or give --events a file.")
    if show.events is not None:
        show.events.writable()  # opens it: a mistake in its name is told before anything runs
    people = Console(stderr=True, width=None if sys.stderr.isatty() else _WIDTH)
    watchers: list[Observer] = [] if show.events is None else [partial(_write, show.events)]
    with ExitStack() as stack:
        if not show.as_json and not show.events_on_stdout:
            tree = stack.enter_context(LiveTree(plan, people))
            for event in past:
                tree(event)
            ask = AskInTerminal(tree.hidden) if show.can_ask else None
            options = replace(options, observers=[tree, *watchers], stream=people.is_terminal, ask=ask)
        else:
            options = replace(options, observers=watchers)
        run = make(options)
        outcome = _until_the_end(run, go)
    if show.as_json:
        click.echo(dumps(as_data(outcome)))
    elif not show.events_on_stdout:
        if outcome.status == "ok":
            show_result(outcome.result, Console())
        show_report(outcome, people)
    return _conclude(plan, run, outcome)


def _conclude(plan: Plan, run: Run, outcome: Outcome) -> int:
    """Say what a person has to know or do now. Returns the exit code."""
    if outcome.status == "paused":
        click.echo(f"paused: `{outcome.run}` waits for a person", err=True)
        show_open(outcome.run, outcome.questions, plan.folder)
        return Exit.PAUSED
    if outcome.failure is None:
        return Exit.OK
    _show_failure(plan, outcome.failure)
    if outcome.status == "cancelled" and run.is_recorded:
        click.echo(f"   = go on with: {resume_command(outcome.run, plan.folder)}", err=True)
    return outcome.failure.exit


def _until_the_end(run: Run, go: Callable[[Run], Awaitable[Outcome]]) -> Outcome:
    gc.freeze()
    gc.enable()

    async def execute() -> Outcome:
        for sign in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(sign, run.cancel, "interrupted")
        return await go(run)

    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(execute())
    finally:
        # Not `asyncio.run`, which waits for tools that block in a thread, also after Ctrl-C.
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def _show_failure(plan: Plan, failure: Failure) -> None:
    """Show why a run ended, with the place in the spec where the step is written."""
    head = click.style(f"error[{failure.code}]", fg="red", bold=True)
    click.echo(f"{head}: {printable(failure.message)}", err=True)
    if failure.path:
        click.echo(f"  --> step `{failure.path}` of {plan.source.name}", err=True)
    if failure.hint:
        click.echo(f"   = {printable(failure.hint)}", err=True)
    click.echo(f"   = docs: agentspec explain {failure.code}", err=True)


def _write(file: IO[str], event: Event) -> None:
    """Write an event as a line of JSON: `{"event": "StepStarted", …}`."""
    data = {"event": type(event).__name__, **_plain(event)}
    file.write(dumps(data, indent=None) + "\n")
    file.flush()


def _plain(event: Event) -> dict[str, object]:
    return {key: value._asdict() if isinstance(value, _ENCODED) else value for key, value in event._asdict().items()}
