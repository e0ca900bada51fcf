"""How a run ended, as its caller is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from agentspec.api.events import Failure, RunFinished, Status, StepPaused
from agentspec.api.messages import Json
from agentspec.kernel.state import Settled
from agentspec.models.secrets import Masker
from agentspec.plan.model import Plan
from agentspec.runtime.driver import Driver
from agentspec.runtime.files import WrittenFiles
from agentspec.runtime.record import NodeUse, Record
from agentspec.runtime.recording import Recording


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Attributes:
        run: the run's id.
        result: the agent's result; None unless `status` is `ok`.
        partial: values of the outermost nodes that were done, when the run did not end well.
        failure: why it did not.
        problems: failures that the spec allowed for.
        nodes: what each LM and tool node used.
        trajectory: the letters LM, T and C.
        files: what the run wrote.
        seconds: wall time, without the time that the run was paused or cut off.
        questions: what persons are asked; the run waits for them when `status` is `paused`.
    """

    run: str
    agent: str
    status: Status
    result: Json
    failure: Failure | None
    problems: tuple[Failure, ...]
    nodes: tuple[NodeUse, ...]
    trajectory: tuple[str, ...]
    files: tuple[Path, ...]
    seconds: float
    partial: Mapping[str, Json] = field(default_factory=dict)
    questions: tuple[StepPaused, ...] = ()


def outcome_of(
    plan: Plan, run: str, ended: RunFinished, driver: Driver, record: Record, files: WrittenFiles, seconds: float
) -> Outcome:
    """Gather what there is to say of a run that has ended, or paused."""
    state, partial = driver.state, {}
    if ended.status != "ok" and state.root is not None:
        done = zip(state.root.block.nodes, state.root.settled, strict=True)
        partial = {node.id: state.root.values[node.id] for node, how in done if how == Settled.DONE}
    return Outcome(
        run=run,
        agent=plan.name,
        status=ended.status,
        result=ended.result,
        failure=ended.failure,
        problems=tuple(state.problems),
        nodes=tuple(record.nodes.values()),
        trajectory=tuple(record.trajectory()),
        files=files.listed(),
        seconds=seconds,
        partial=partial,
        questions=tuple(
            StepPaused(path, paused.step.attempt, paused.question, paused.asked)
            for path, paused in state.paused.items()
        ),
    )


def with_gaps(outcome: Outcome, recording: Recording | None) -> Outcome:
    """Say that a run could not be recorded to its end; one that would have paused is lost, and has failed."""
    if recording is None or recording.failure is None:
        return outcome
    failure = Failure.of("", recording.failure)
    if outcome.status == "paused":
        return replace(outcome, status="failed", failure=failure)
    return replace(outcome, problems=(*outcome.problems, failure))


def masked(outcome: Outcome, masker: Masker) -> Outcome:
    """Return an outcome without secrets."""
    names = ("result", "partial", "failure", "problems", "questions")
    return replace(outcome, **{name: masker.data(getattr(outcome, name)) for name in names}) if masker else outcome
