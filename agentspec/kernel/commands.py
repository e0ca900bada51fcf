"""What the kernel asks the shell to do."""

from __future__ import annotations

from typing import NamedTuple

from agentspec.api.events import ControllerEntered, ControllerLeft, RunFinished, StepSkipped
from agentspec.plan.model import Lookup, PlanNode


class StartStep(NamedTuple):
    """Run an LM or tool node after `wait_s` seconds; answer with StepSucceeded or StepFailed.

    For a controller, which is tried again after a wait: answer with StepStarted when `wait_s` have passed.
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


class Announce(NamedTuple):
    """Let observers know of a decision that needs no answer."""

    event: StepSkipped | ControllerEntered | ControllerLeft


class FinishRun(NamedTuple):
    """The run has ended; no command follows."""

    event: RunFinished


Command = StartStep | StartTimer | StopTimer | CancelStep | Announce | FinishRun
