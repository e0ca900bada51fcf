"""Finding a recorded run, and making its plan and its state again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from agentspec.api.errors import AnswerRefused, JournalUnreadable, OutcomeUnknown, RunEnded, RunUnknown, SpecChanged
from agentspec.api.events import Meta, StepSucceeded
from agentspec.api.journal import Journal, RunInfo
from agentspec.api.messages import Json
from agentspec.kernel.state import Paused
from agentspec.nodes.approve import check_choice
from agentspec.plan import compile_spec
from agentspec.plan.catalogue import Catalogue
from agentspec.plan.model import Plan
from agentspec.registry import Registry
from agentspec.runtime.replay import Past, replay
from agentspec.spec.diagnostics import did_you_mean, suggest
from agentspec.spec.parse import parse_file

ENDED = ("ok", "failed")


@dataclass(frozen=True, slots=True)
class Recipe:
    """What it takes to make a run's plan again.

    Attributes:
        files: SHA-256 of each file that the plan was made of, by its path from the spec's folder.
        outputs: absolute folder in which the run has its own.
    """

    profile: str | None
    bind: Mapping[str, str]
    files: Mapping[str, str]
    outputs: str
    offline: bool = False
    max_usd: float | None = None

    def as_data(self) -> dict[str, Json]:
        """As a journal keeps it."""
        return {name: getattr(self, name) for name in self.__slots__}


def file_names(noted: Mapping[Path, str], folder: Path) -> dict[str, str]:
    """What `noting_files` gave, with names from the spec's folder."""
    root = folder.resolve()
    return {os.path.relpath(path, root): digest for path, digest in noted.items()}


def with_max_usd(plan: Plan, max_usd: float | None) -> Plan:
    """The plan with another limit on money."""
    return plan if max_usd is None else replace(plan, limits=plan.limits.model_copy(update={"usd": max_usd}))


@dataclass(frozen=True, slots=True)
class Reopened:
    """A recorded run, ready to go on."""

    info: RunInfo
    recipe: Recipe
    plan: Plan
    catalogue: Catalogue
    past: Past

    @property
    def questions(self) -> Mapping[str, Paused]:
        """What persons are asked, by the path of the step."""
        return self.past.state.paused

    def answers(self, choices: Mapping[str, str], now: float) -> list[StepSucceeded]:
        """What persons said, as events. Raises `AnswerRefused`, which lists what is asked."""
        given = []
        for path, choice in choices.items():
            paused = self.questions.get(path)
            if paused is None:
                raise AnswerRefused(f"`{path}` asks nothing", hint=self._asked())
            question, attempt = paused.question, paused.step.attempt
            check_choice(path, question, choice)
            if paused.is_over(now):
                text = f"`{path}` could be answered for {question.timeout_s:g} s, and that time is over"
                raise AnswerRefused(text, hint="resume without this answer: what the spec says for that case holds")
            given.append(StepSucceeded(path, choice, Meta(attempts=attempt, seconds=now - paused.asked)))
        return given

    def _asked(self) -> str:
        if not self.questions:
            return "the run asks nothing: resume it without an answer"
        open_ones = (f"`{path}` ({' | '.join(one.question.choices)})" for path, one in self.questions.items())
        return f"it asks {', '.join(open_ones)}"

    def check_doubtful(self, retry: Collection[str]) -> None:
        """Raise `OutcomeUnknown` for steps that must not be repeated unless a person says so."""
        doubtful = self.past.doubtful()
        wrong = set(retry) - set(doubtful)
        if wrong:
            listed = ", ".join(f"`{path}`" for path in doubtful) or "none"
            hint = f"steps of which nobody knows whether they did their work: {listed}"
            raise AnswerRefused(f"`{min(wrong)}` needs no --retry", hint=hint)
        left = [path for path in doubtful if path not in retry]
        if left:
            listed = ", ".join(f"`{path}`" for path in left)
            words = " ".join(f"--retry {path}" for path in left)
            raise OutcomeUnknown(
                f"the run was cut off while {listed} ran: nobody knows whether the change was made",
                hint=f"see whether it was; to have it made now: agentspec resume {self.info.id} {words}",
            )


@contextmanager
def reopen(journal: Journal, run: str | None, *, accept_changes: bool = False) -> Iterator[Reopened]:
    """Hold a run and make its plan and state again. `run` is its id, or None for the newest that can be resumed.

    Raises `RunUnknown`, `RunEnded`, `RunBusy`, `SpecChanged`, `SpecInvalid`, `RunDiverged`, `JournalUnreadable`.
    """
    info = find(journal, run)
    with journal.hold(info.id):
        info = find(journal, info.id)  # it may have ended before it was ours
        recipe = _recipe(info)
        spec = Path(info.spec)
        if not accept_changes:
            _check_unchanged(spec, recipe)
        registry = Registry()
        plan = compile_spec(parse_file(spec), registry, profile=recipe.profile, bind=recipe.bind)
        past = replay(plan, journal.entries(info.id))
        if past.state.root is None:
            journal.mark(info.id, "failed", info.changed)
            raise RunEnded(f"`{info.id}` was cut off before it began", hint="start it anew: agentspec run")
        yield Reopened(info, recipe, with_max_usd(plan, recipe.max_usd), registry, past)


_WHERE = "see `agentspec runs list`; for another project add --project SPEC"


def find(journal: Journal, run: str | None) -> RunInfo:
    """The run with an id, or the newest that can be resumed. Raises `RunUnknown`, `RunEnded`."""
    if run is None:
        for info in journal.runs():
            if info.status not in ENDED and not journal.is_held(info.id):
                return info
        raise RunUnknown("there is no run that can be resumed", hint=_WHERE)
    info = find_any(journal, run)
    if info.status in ENDED:
        how = "to its end" if info.status == "ok" else "and failed"
        raise RunEnded(f"`{run}` went on {how}: there is nothing to resume", hint="start it anew: agentspec run")
    return info


def find_any(journal: Journal, run: str) -> RunInfo:
    """The run with an id, however it ended. Raises `RunUnknown`."""
    runs = journal.runs()
    for info in runs:
        if info.id == run:
            return info
    close = suggest(run, [info.id for info in runs])
    hint = did_you_mean(close, _WHERE)
    raise RunUnknown(f"this project has no run `{run}`", hint=hint)


def _recipe(info: RunInfo) -> Recipe:
    try:
        return Recipe(**info.setup)
    except TypeError as error:
        hint = "a newer release of agentspec may have written it"
        raise JournalUnreadable(f"what is recorded of `{info.id}` cannot be read", hint=hint) from error


def _check_unchanged(spec: Path, recipe: Recipe) -> None:
    changed = []
    for name, digest in recipe.files.items():
        try:
            same = hashlib.sha256((spec.parent / name).read_bytes()).hexdigest() == digest
        except OSError:
            same = False
        if not same:
            changed.append(f"`{name}`")
    if changed:
        text = f"{', '.join(sorted(changed))} changed since the run began"
        raise SpecChanged(text, hint="undo the change, or go on with it: agentspec resume --accept-changes")
