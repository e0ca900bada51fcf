"""What the kernel asks the shell to do."""

from __future__ import annotations

from typing import NamedTuple

from agentspec.api.events import ControllerEntered, ControllerLeft, Failure, Meta, RunFinished, StepSkipped
from agentspec.api.messages import Json
from agentspec.plan.model import PlanNode
from agentspec.plan.work import Lookup


class StartStep(NamedTuple):
    """Run a leaf or a caller after `wait_s` seconds; answer with StepSucceeded, StepFailed or StepPaused.

    A caller may send BlockCalled before its answer. For a rule, which is tried again after a wait: answer with
    StepStarted when `wait_s` have passed.
    """

    path: str
    node: PlanNode
    lookup: Lookup
    attempt: int
    wait_s: float


class StartTimer(NamedTuple):
    """Answer with StepFailed for the controller at `path` when `timeout_s` have passed."""

    path: str
    attempt: int
    timeout_s: float


class StopTimer(NamedTuple):
    """The controller came to its end in time."""

    path: str


class CancelStep(NamedTuple):
    """Stop a step; no event about it is wanted any more."""

    path: str


class ReturnCall(NamedTuple):
    """Give a caller what its call came to; `failure` is set when it has no value."""

    path: str
    number: int
    value: Json
    meta: Meta | None
    failure: Failure | None


class PauseRun(NamedTuple):
    """Nothing runs any more until a person answers; `paths` are the steps that wait."""

    paths: tuple[str, ...]


class Announce(NamedTuple):
    """Let observers know of a decision that needs no answer."""

    event: StepSkipped | ControllerEntered | ControllerLeft


class FinishRun(NamedTuple):
    """The run has ended; no command follows."""

    event: RunFinished


Command = StartStep | StartTimer | StopTimer | CancelStep | ReturnCall | Announce | PauseRun | FinishRun
