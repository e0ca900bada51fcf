"""What happens in a run: the facts that the kernel decides from, and those that it lets others know.

Events are named tuples: immutable, and several times cheaper to make than frozen dataclasses, which matters
for what is made once per step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from agentspec.api.errors import AgentspecError, Exit
from agentspec.api.messages import Json

Status = Literal["ok", "failed", "cancelled", "paused"]

LONGEST_WAIT_S = 3600.0
"""A provider that asks for a longer wait than this is not waited for: the node's own `retry` says how long."""


class Failure(NamedTuple):
    """Why a step failed, in words for a person.

    Attributes:
        path: the step where it began, e.g. `each[3]/sort`.
        kind: the class of failure that `retry: {on: …}` names; None when repeating cannot help.
        fatal: neither `retry` nor `on_error` applies: the run ends.
    """

    path: str
    code: str
    message: str
    hint: str | None = None
    kind: str | None = None
    exit: Exit = Exit.RUN_FAILED
    fatal: bool = False
    retry_after_s: float | None = None

    @classmethod
    def of(cls, path: str, error: AgentspecError) -> Failure:
        """Describe an error that happened in the step at `path`."""
        wait = getattr(error, "retry_after_s", None)
        if wait is not None and not 0 <= wait <= LONGEST_WAIT_S:  # false for NaN, too
            wait = None
        return cls(path, error.code, error.message, error.hint, error.kind, error.exit, error.fatal, wait)


class Meta(NamedTuple):
    """How a step ran; read in specs as `meta.<node>`. None means unknown.

    Attributes:
        confidence: 0..1, for LM steps whose backend tells.
        seconds: wall time of the last attempt.
        tokens_in, tokens_out: of all calls of the step.
        calls: how many times a model was asked.
        format: how the answer was held to its type: `constrained` by grammar, `native` by the provider, `parsed` when
            the whole text was JSON that fits, `extracted` from a text with more than JSON, `repaired` after the model
            was shown its mistakes, `escalated` to another model; `text` for free text, `cached` without a call.
    """

    confidence: float | None = None
    model: str | None = None
    usd: float | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    calls: int = 0
    attempts: int = 1
    seconds: float = 0.0
    format: str | None = None

    def visible(self) -> dict[str, Json]:
        """The fields that expressions see."""
        return {
            "confidence": self.confidence,
            "model": self.model,
            "usd": self.usd,
            "tokens": self.tokens_in + self.tokens_out,
            "attempts": self.attempts,
            "seconds": self.seconds,
        }


class RunStarted(NamedTuple):
    """A run began. `inputs` are complete and fit their types."""

    agent: str
    inputs: Mapping[str, Json]


class RunResumed(NamedTuple):
    """A run goes on after a pause, a crash or an interruption. What happened before it is not told again."""

    agent: str


class StepStarted(NamedTuple):
    """A step was given to whoever runs it, or a controller is tried again. `node` is the node's id."""

    path: str
    node: str
    kind: str
    attempt: int


class CallAnswered(NamedTuple):
    """A model answered once; a step that repairs its answer has several. None means unknown, never zero.

    Attributes:
        model: `<backend>/<model>`.
        seconds: wall time, waiting for a free slot included.
        format: how the answer was held to its type (see `Meta`); `invalid` for one that the model is shown again,
            `failed` for one that is given up; empty in journals of older releases.
    """

    path: str
    model: str
    tokens_in: int | None
    tokens_out: int | None
    usd: float | None
    seconds: float
    format: str = ""
    tokens_cached: int | None = None


class CallDelayed(NamedTuple):
    """A call has been waiting for more than a second, and goes on waiting. `model` is `<backend>/<model>`."""

    path: str
    model: str
    reason: str


class ModelEscalated(NamedTuple):
    """A cascade or a fallback goes on from one model to the next; both by their keys in the plan.

    `uses` is what the first one is bound to, as `<backend>/<model>`.
    """

    path: str
    model: str
    following: str
    reason: str
    uses: str = ""


class ShadowAnswered(NamedTuple):
    """The second model of a `shadow` has answered, or failed with `error`; then `same` is None."""

    path: str
    model: str
    same: bool | None
    error: str


class StepSucceeded(NamedTuple):
    """A step has its value, which never changes any more."""

    path: str
    value: Json
    meta: Meta


class StepFailed(NamedTuple):
    """An attempt failed; whether that is the end is for the kernel to say."""

    path: str
    attempt: int
    failure: Failure


class StepSkipped(NamedTuple):
    """A node does not run: its condition is false, or what it needs was skipped, or it failed and may."""

    path: str
    reason: Literal["condition", "needs", "failure"]


class ControllerEntered(NamedTuple):
    """A controller opens a block.

    Attributes:
        controller: its word in the spec, e.g. `switch`.
        choice: the case taken, the number of items, the round, `<step>/<state>`, the agent, or `<callee>#<call>`.
    """

    path: str
    controller: str
    choice: str


class ControllerLeft(NamedTuple):
    """A controller has its value."""

    path: str
    value: Json


class BlockCalled(NamedTuple):
    """A step that may call blocks (an LM with tools, `plan`, `code`) calls one.

    Attributes:
        number: counts the calls of this step from 0.
        values: what the block sees as its own variables.
    """

    path: str
    number: int
    name: str
    values: Mapping[str, Json]


class Question(NamedTuple):
    """What a person is asked. `timeout_s` counts from the moment when it was asked."""

    show: Json
    choices: tuple[str, ...]
    by: str = ""
    timeout_s: float | None = None
    on_timeout: str | None = None


class StepPaused(NamedTuple):
    """A step waits for a person; StepSucceeded or StepFailed for it comes later, maybe after a restart.

    `asked` is the time of the question in seconds since 1970.
    """

    path: str
    attempt: int
    question: Question
    asked: float


class RunPaused(NamedTuple):
    """All that is left waits for a person: nothing runs any more, and the run can be resumed."""

    paths: tuple[str, ...]


class TextStreamed(NamedTuple):
    """A piece of a model's answer, while it is being written."""

    path: str
    text: str


class RunCancelled(NamedTuple):
    """The run is to stop now; `failure` says why."""

    failure: Failure


class RunFinished(NamedTuple):
    """A run ended. `failure` is set unless `status` is `ok`."""

    status: Status
    result: Json
    failure: Failure | None = None


Event = (
    RunStarted
    | RunResumed
    | StepStarted
    | CallAnswered
    | CallDelayed
    | ModelEscalated
    | ShadowAnswered
    | StepSucceeded
    | StepFailed
    | StepSkipped
    | ControllerEntered
    | ControllerLeft
    | BlockCalled
    | StepPaused
    | RunPaused
    | TextStreamed
    | RunCancelled
    | RunFinished
)

Observer = Callable[[Event], None]
"""Hears of what happens, in its order."""
