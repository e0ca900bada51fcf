"""The commands `agentspec runs list` and `agentspec runs show RUN`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import click

from agentspec.api.events import Event, StepFailed, StepPaused, StepSucceeded
from agentspec.api.journal import Journal, RunInfo
from agentspec.api.messages import Json
from agentspec.cli.render.questions import resume_command, show_open
from agentspec.cli.resume import journal_of, project_option, where
from agentspec.runtime.resuming import ENDED, find_any
from agentspec.spec.formats.data import dumps


@click.group("runs")
def command() -> None:
    """List and show the runs of a project."""


@command.command("list")
@project_option
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
def list_runs(project: str, as_json: bool) -> None:
    """List the runs of a project, the newest first."""
    with contextlib.closing(journal_of(project)) as journal:
        rows = [_row(journal, info) for info in journal.runs()]
    if as_json:
        click.echo(dumps(rows))
        return
    if not rows:
        click.echo(f"no runs are recorded {where(journal)}", err=True)
    width = max((len(str(row["run"])) for row in rows), default=0)
    for row in rows:
        click.echo(f"{row['run']:{width}}  {row['status']:11}  {_time(float(row['started']))}  {row['spec']}")


@command.command("show")
@click.argument("run")
@project_option
@click.option("--json", "as_json", is_flag=True, help="Print one object.")
def show_run(run: str, project: str, as_json: bool) -> None:
    """Show how far a run came, what it asks, and how to go on with it."""
    with contextlib.closing(journal_of(project)) as journal:
        info = find_any(journal, run)
        story = _Story.of(entry.event for entry in journal.entries(run))
        row = _row(journal, info)
    questions = tuple(story.questions.values()) if info.status not in ENDED else ()
    if as_json:
        asked = [{"step": one.path, **one.question._asdict(), "asked": one.asked} for one in questions]
        steps = {"done": story.done, "failed": story.failed}
        click.echo(dumps({**row, **steps, "questions": asked}))
        return
    click.echo(f"{info.id}  {row['status']}")
    click.echo(f"  agent    {info.agent}  {info.spec}")
    click.echo(f"  started  {_time(info.started)}")
    click.echo(f"  steps    {len(story.done)} done, {len(story.failed)} failed")
    for path, message in story.failed.items():
        click.echo(f"  failed   {path}: {message}")
    if questions:
        show_open(run, questions, Path(info.spec).parent)
    elif row["status"] in ("interrupted", "paused"):
        click.echo(f"  go on    {resume_command(run, Path(info.spec).parent)}")


@dataclass(slots=True)
class _Story:
    """What became of a run's steps, from its events alone."""

    done: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    questions: dict[str, StepPaused] = field(default_factory=dict)

    @classmethod
    def of(cls, events: Iterable[Event]) -> _Story:
        story = cls()
        for event in events:
            if isinstance(event, StepSucceeded):
                story.questions.pop(event.path, None)
                story.failed.pop(event.path, None)
                story.done.append(event.path)
            elif isinstance(event, StepFailed):
                story.questions.pop(event.path, None)
                story.failed[event.path] = event.failure.message
            elif isinstance(event, StepPaused):
                story.questions[event.path] = event
        return story


def _row(journal: Journal, info: RunInfo) -> dict[str, Json]:
    return {
        "run": info.id,
        "agent": info.agent,
        "spec": info.spec,
        "status": _status(journal, info),
        "started": info.started,
        "changed": info.changed,
    }


def _status(journal: Journal, info: RunInfo) -> str:
    """A run that nobody goes on with, and that did not end, was interrupted or killed."""
    if info.status in ENDED:
        return info.status
    if journal.is_held(info.id):
        return "running"
    return "paused" if info.status == "paused" else "interrupted"


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at):%Y-%m-%d %H:%M:%S}"
