"""A person's choice. The step itself only puts the question: it waits, maybe over a restart, until somebody answers."""

from __future__ import annotations

from agentspec.api.errors import AnswerRefused, StepTimeout
from agentspec.api.events import Question
from agentspec.api.messages import Json
from agentspec.kernel.commands import StartStep
from agentspec.nodes.services import Waiting
from agentspec.plan.work import ApproveWork


def put_question(command: StartStep, work: ApproveWork, now: float) -> Waiting:
    """What is to be asked, since `now`. Raises `EvaluationFailed`."""
    return Waiting(Question(work.show(command.lookup), work.choices, work.by, work.timeout_s, work.on_timeout), now)


def check_choice(path: str, question: Question, choice: Json) -> None:
    """Raise `AnswerRefused` for an answer that is none of the choices."""
    if choice not in question.choices:
        listed = ", ".join(f"`{word}`" for word in question.choices)
        raise AnswerRefused(f"`{choice}` is no answer to `{path}`", hint=f"choose one of {listed}")


def choice_of_silence(path: str, question: Question) -> str:
    """What holds when nobody answered in time. Raises `StepTimeout` when the spec does not say."""
    if question.on_timeout is None:
        text = f"nobody answered `{path}` within {question.timeout_s:g} s"
        raise StepTimeout(text, hint="raise `timeout:`, or say what holds then with `on_timeout:`")
    return question.on_timeout
