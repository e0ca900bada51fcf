"""Agents from Python: load, check, run, resume."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from agentspec.api.messages import Json
from agentspec.journal import SqliteJournal, journal_file
from agentspec.plan import Checked, Plan, check
from agentspec.plan.catalogue import Catalogue
from agentspec.registry import Registry
from agentspec.runtime import session
from agentspec.runtime.outcome import Outcome
from agentspec.runtime.resuming import Recipe, file_names, reopen
from agentspec.runtime.session import RunOptions
from agentspec.spec.diagnostics import Diagnostic, SpecInvalid
from agentspec.spec.parse import parse_file
from agentspec.spec.text.loader import noting_files


@dataclass(frozen=True, slots=True)
class Agent:
    """A spec file that has the right shape, with what checking it gave.

    Attributes:
        spec: the file.
        files: SHA-256 of each file that it is made of, by its path from the spec's folder.
        profile, bind: what it was loaded with.
    """

    checked: Checked
    catalogue: Catalogue
    spec: Path
    files: Mapping[str, str]
    profile: str | None = None
    bind: Mapping[str, str] = field(default_factory=dict)

    def check(self) -> tuple[Diagnostic, ...]:
        """Everything that is wrong or doubtful, in the order of the file."""
        return self.checked.diagnostics

    @property
    def plan(self) -> Plan:
        """What would run. Raises `SpecInvalid` when a diagnostic is an error."""
        if self.checked.plan is None:
            raise SpecInvalid(self.checked.diagnostics)
        return self.checked.plan


def load(path: str | Path, *, profile: str | None = None, bind: Mapping[str, str] | None = None) -> Agent:
    """Read and check a spec file, or the `agent.yaml` of a folder.

    `profile` names one of the spec's `profiles:`; `bind` maps names of models, or `*`, to `<backend>/<model>`.
    Raises `SpecInvalid` for problems of text and shape, KeyError for a profile or model that is not there.
    """
    file = Path(path)
    file = file / "agent.yaml" if file.is_dir() else file
    with noting_files() as noted:
        spec = parse_file(file)
        if profile is not None and profile not in spec.fields.profiles:
            raise KeyError(f"the spec has no profile `{profile}`")
        unknown = set(bind or ()) - {"*"} - spec.fields.models.keys()
        if unknown:
            raise KeyError(f"the spec has no model `{min(unknown)}`")
        registry = Registry()
        checked = check(spec, registry, profile=profile, bind=bind)
    files = file_names(noted, spec.folder)
    return Agent(checked, registry, file.absolute(), files, profile, dict(bind or {}))


async def arun(
    agent: Agent,
    inputs: Mapping[str, Json] | None = None,
    options: RunOptions | None = None,
    *,
    journal: bool = False,
) -> Outcome:
    """Run an agent. With `journal`, the run is recorded in the project of the spec, and can be resumed.

    Raises `SpecInvalid`, `InvalidValue` when the inputs do not fit, `CannotPause` for an agent that asks a person
    without `options.ask` and without a journal, `JournalFailed`.
    """
    options = options or RunOptions()
    made = session.Run(agent.plan, agent.catalogue, options)
    if not journal:
        return await made.execute(inputs or {})
    outputs = str(options.outputs.absolute())
    recipe = Recipe(agent.profile, agent.bind, agent.files, outputs, options.offline)
    with contextlib.closing(SqliteJournal(journal_file(agent.plan.folder))) as store:
        made.record_in(store, agent.spec, recipe.as_data())
        return await made.execute(inputs or {})


def run(
    agent: Agent,
    inputs: Mapping[str, Json] | None = None,
    options: RunOptions | None = None,
    *,
    journal: bool = False,
) -> Outcome:
    """`arun` without an event loop; inside a running one, in a thread of its own."""
    return session.from_sync(arun(agent, inputs, options, journal=journal))


async def aresume(
    run: str | None = None,
    answers: Mapping[str, str] | None = None,
    options: RunOptions | None = None,
    *,
    project: str | Path = ".",
    accept_changes: bool = False,
    retry: Collection[str] = (),
) -> Outcome:
    """Go on with a recorded run; only steps that were in flight run again.

    Args:
        run: its id; None for the newest of the project that can be resumed.
        answers: persons' choices, by the path of the step that asks.
        options: as for `run`; the folder for outputs is that of the run.
        project: a folder of the project.
        accept_changes: go on although files of the spec have changed.
        retry: steps to be repeated of which nobody knows whether they made their change.

    Raises `RunUnknown`, `RunEnded`, `RunBusy`, `SpecChanged`, `SpecInvalid`, `RunDiverged`, `AnswerRefused`,
    `OutcomeUnknown`, `JournalUnreadable`.
    """
    with (
        contextlib.closing(SqliteJournal(journal_file(Path(project)))) as store,
        reopen(store, run, accept_changes=accept_changes) as it,
    ):
        given = it.answers(answers or {}, time.time())
        it.check_doubtful(retry)
        options = options or RunOptions()
        options = replace(options, outputs=Path(it.recipe.outputs), offline=options.offline or it.recipe.offline)
        return await session.Run(it.plan, it.catalogue, options, run=it.info.id).resume(store, it.past, given)


def resume(
    run: str | None = None,
    answers: Mapping[str, str] | None = None,
    options: RunOptions | None = None,
    *,
    project: str | Path = ".",
    accept_changes: bool = False,
    retry: Collection[str] = (),
) -> Outcome:
    """`aresume` without an event loop; inside a running one, in a thread of its own."""
    work = aresume(run, answers, options, project=project, accept_changes=accept_changes, retry=retry)
    return session.from_sync(work)
