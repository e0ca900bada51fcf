"""The command `agentspec run SPEC`."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO

import click
from rich.console import Console

from agentspec.api.errors import Exit, InvalidValue
from agentspec.api.events import Event, Failure, Meta
from agentspec.cli.loading import binding_options, load_plan, pairs
from agentspec.cli.render.errors import printable, show_diagnostic, show_error
from agentspec.cli.render.report import as_data, show_report, show_result
from agentspec.cli.render.tree import LiveTree
from agentspec.plan.inputs import complete
from agentspec.plan.model import Plan
from agentspec.registry import Registry
from agentspec.runtime import Outcome, Run, RunOptions
from agentspec.runtime.inputs import from_words

_WIDTH = 100
"""Columns of the report where it does not go to a terminal."""


@click.command("run")
@click.argument("spec")
@click.option("-i", "--input", "words", multiple=True, metavar="NAME=VALUE", help="An input of the agent.")
@binding_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object about the whole run.")
@click.option("--events", type=click.File("w", "utf-8", lazy=True), help="Write events as JSON Lines, `-` for stdout.")
@click.option("--offline", is_flag=True, help="Refuse models that are not on this machine.")
@click.option("--max-usd", type=click.FloatRange(min=0), help="Stop before the call that would cost more.")
@click.option("--out", default="out", type=click.Path(path_type=Path), help="Folder for what the run writes.")
def command(
    spec: str,
    words: tuple[str, ...],
    profile: str | None,
    bind: tuple[str, ...],
    as_json: bool,
    events: IO[str] | None,
    offline: bool,
    max_usd: float | None,
    out: Path,
) -> int:
    """Run an agent. The result goes to stdout, everything else to stderr.

    SPEC is a file, or a folder with an agent.yaml.
    """
    checked, registry = load_plan(spec, profile, bind)
    plan = checked.plan
    assert plan is not None
    for diagnostic in checked.diagnostics:
        show_diagnostic(diagnostic)
    if max_usd is not None:
        plan = replace(plan, limits=plan.limits.model_copy(update={"usd": max_usd}))
    try:
        inputs = complete(plan, from_words(plan, pairs(words, "-i"), Path.cwd()))
    except InvalidValue as error:
        show_error(error)
        return Exit.USAGE
    people = Console(stderr=True, width=None if sys.stderr.isatty() else _WIDTH)
    options = RunOptions(env=os.environ, outputs=out, offline=offline)
    watchers: list[Callable[[Event], None]] = [] if events is None else [partial(_write, events)]
    on_stdout = events is not None and events.name == "-"
    if as_json or on_stdout:
        outcome = _run(plan, registry, inputs, replace(options, observers=watchers))
    else:
        with LiveTree(plan, people) as tree:
            options = replace(options, observers=[tree, *watchers], stream=people.is_terminal)
            outcome = _run(plan, registry, inputs, options)
    if as_json:
        click.echo(json.dumps(as_data(outcome), ensure_ascii=False, indent=2))
    elif not on_stdout:
        if outcome.status == "ok":
            show_result(outcome.result, Console())
        show_report(outcome, people)
    if outcome.failure is not None:
        _show_failure(plan, outcome.failure)
        return outcome.failure.exit
    return Exit.OK


def _run(plan: Plan, registry: Registry, inputs: dict[str, object], options: RunOptions) -> Outcome:
    gc.freeze()
    gc.enable()
    run = Run(plan, registry, options)

    async def execute() -> Outcome:
        for sign in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(sign, run.cancel, "interrupted")
        return await run.execute(inputs)

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
    file.write(json.dumps(data, ensure_ascii=False) + "\n")
    file.flush()


def _plain(event: Event) -> dict[str, object]:
    return {
        key: value._asdict() if isinstance(value, Failure | Meta) else value for key, value in event._asdict().items()
    }
