"""The command `agentspec resume [RUN]`."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import click

from agentspec.api.errors import AnswerRefused
from agentspec.cli.executing import Show, carry_out, showing_options
from agentspec.cli.loading import spec_path
from agentspec.journal import SqliteJournal, journal_file
from agentspec.runtime import Run, RunOptions
from agentspec.runtime.resuming import reopen
from agentspec.spec.frames import harmless


def project_option(command: click.decorators.FC) -> click.decorators.FC:
    """Add `--project`."""
    text = "A spec or a folder of the project; the current folder if not given."
    return click.option("--project", default=".", metavar="PATH", help=text)(command)


def journal_of(project: str) -> SqliteJournal:
    """The journal of the project that a spec or a folder belongs to. Raises usage errors."""
    if not Path(project).exists():
        raise click.UsageError(harmless(f"--project takes a spec or a folder, and there is no '{project}'."))
    path = spec_path(project)
    return SqliteJournal(journal_file(path if path.is_dir() else path.parent))


def where(journal: SqliteJournal) -> str:
    """Say which project has nothing to show, and how to name another."""
    return f"in {journal.file.parent.parent}\nname the project of another spec with --project SPEC"


@click.command("resume")
@click.argument("run", required=False)
@click.option("--answer", "answers", multiple=True, metavar="STEP=CHOICE", help="A person's choice.")
@click.option("--accept-changes", is_flag=True, help="Go on although files of the spec have changed.")
@click.option("--retry", multiple=True, metavar="STEP", help="Repeat a change of which nobody knows if it was made.")
@click.option("--no-cache", is_flag=True, help="Ask anew where a node has `cache: true`, and keep nothing.")
@project_option
@showing_options
def command(
    run: str | None,
    answers: tuple[str, ...],
    accept_changes: bool,
    retry: tuple[str, ...],
    no_cache: bool,
    project: str,
    as_json: bool,
    events: IO[str] | None,
    no_ask: bool,
) -> int:
    """Go on with a run that was paused for a person, interrupted or cut off.

    RUN is its id; without it, the newest run of the project that can be resumed. Steps that were done are not run
    again.
    """
    show = Show(as_json, events, not no_ask)
    with contextlib.closing(journal_of(project)) as journal, reopen(journal, run, accept_changes=accept_changes) as it:
        given = it.answers(_choices(answers, it.questions), time.time())
        it.check_doubtful(retry)
        cache = None if no_cache else journal.file.parent / "cache"
        outputs = Path(it.recipe.outputs)
        options = RunOptions(env=os.environ, outputs=outputs, offline=it.recipe.offline, cache=cache)
        return carry_out(
            it.plan,
            options,
            show,
            lambda options: Run(it.plan, it.catalogue, options, run=it.info.id),
            lambda run: run.resume(journal, it.past, given),
            it.past.events,
        )


def _choices(words: tuple[str, ...], asked: Iterable[str]) -> dict[str, str]:
    """Split `STEP=CHOICE`; the path of a step may have a `=` in it."""
    found: dict[str, str] = {}
    for word in words:
        known = [path for path in asked if word.startswith(f"{path}=")]
        path = max(known, key=len) if known else word.partition("=")[0]
        if not path or len(path) == len(word):
            raise click.UsageError(f"--answer takes STEP=CHOICE, not '{word}'.")
        if path in found:
            raise AnswerRefused(f"`{path}` is answered twice")
        found[path] = word[len(path) + 1 :]
    return found
