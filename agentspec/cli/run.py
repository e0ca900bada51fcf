"""The command `agentspec run SPEC`."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import IO

import click

from agentspec.api.errors import Exit, InvalidValue, JournalFailed, JournalUnreadable
from agentspec.api.journal import Journal
from agentspec.cli.executing import Show, carry_out, showing_options
from agentspec.cli.loading import binding_options, load_plan, pairs, spec_path
from agentspec.cli.render.errors import printable, show_diagnostic, show_error
from agentspec.journal import SqliteJournal, journal_file
from agentspec.plan.inputs import complete
from agentspec.plan.model import Plan
from agentspec.runtime import Run, RunOptions
from agentspec.runtime.inputs import from_words
from agentspec.runtime.recording import can_pause
from agentspec.runtime.resuming import Recipe, file_names, with_max_usd
from agentspec.spec.compose.places import project_of
from agentspec.spec.text.loader import noting_files


@click.command("run")
@click.argument("spec")
@click.option("-i", "--input", "words", multiple=True, metavar="NAME=VALUE", help="An input of the agent.")
@binding_options
@showing_options
@click.option("--offline", is_flag=True, help="Refuse models that are not on this machine.")
@click.option("--max-usd", type=click.FloatRange(min=0), help="Stop before the call that would cost more.")
@click.option("--out", default="out", type=click.Path(path_type=Path), help="Folder for what the run writes.")
@click.option("--no-cache", is_flag=True, help="Ask anew where a node has `cache: true`, and keep nothing.")
@click.option("--no-journal", is_flag=True, help="Record nothing; the run cannot be resumed.")
def command(
    spec: str,
    words: tuple[str, ...],
    profile: str | None,
    bind: tuple[str, ...],
    as_json: bool,
    events: IO[str] | None,
    no_ask: bool,
    offline: bool,
    max_usd: float | None,
    out: Path,
    no_cache: bool,
    no_journal: bool,
) -> int:
    """Run an agent. The result goes to stdout, everything else to stderr.

    SPEC is a file, or a folder with an agent.yaml.
    """
    with noting_files() as noted:
        checked, registry = load_plan(spec, profile, bind)
    assert checked.plan is not None
    plan = with_max_usd(checked.plan, max_usd)
    for diagnostic in checked.diagnostics:
        show_diagnostic(diagnostic)
    try:
        inputs = complete(plan, from_words(plan, pairs(words, "-i"), Path.cwd()))
    except InvalidValue as error:
        show_error(error)
        return Exit.USAGE
    cache = None if no_cache else project_of(plan.folder) / ".agentspec" / "cache"
    options = RunOptions(env=os.environ, outputs=out, offline=offline, cache=cache)
    files = file_names(noted, plan.folder)
    recipe = Recipe(profile, pairs(bind, "--bind"), files, str(out.absolute()), offline, max_usd)
    with contextlib.closing(SqliteJournal(journal_file(plan.folder))) as journal:

        def make(options: RunOptions) -> Run:
            run = Run(plan, registry, options)
            if not no_journal:
                _record(run, plan, options, journal, spec_path(spec).absolute(), recipe)
            return run

        return carry_out(plan, options, Show(as_json, events, not no_ask), make, lambda run: run.execute(inputs))


def _record(run: Run, plan: Plan, options: RunOptions, journal: Journal, spec: Path, recipe: Recipe) -> None:
    """Have the run recorded. Where that fails, a run that need not be resumed goes on with a warning."""
    try:
        run.record_in(journal, spec, recipe.as_data())
    except (JournalFailed, JournalUnreadable) as error:
        if options.ask is None and can_pause(plan.block):
            raise
        head = click.style(f"warning[{error.code}]", fg="yellow", bold=True)
        click.echo(f"{head}: this run is not recorded and cannot be resumed: {printable(error.message)}", err=True)
