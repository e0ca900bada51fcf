"""A person's choice: asked here and now, or the run pauses until somebody answers."""

from __future__ import annotations

import asyncio

from agentspec.api.errors import InvalidValue, StepTimeout
from agentspec.api.events import Meta, Question
from agentspec.api.messages import Json
from agentspec.kernel.commands import StartStep
from agentspec.nodes.services import Services, Waiting
from agentspec.plan.model import ApproveWork


async def approve(command: StartStep, work: ApproveWork, services: Services) -> tuple[Json, Meta]:
    """Ask, within the question's time. Raises `Waiting` where nobody can be asked, `StepTimeout`."""
    question = Question(work.show(command.lookup), work.choices, work.by, work.timeout_s, work.on_timeout)
    if services.ask is None:
        raise Waiting(question, services.now())
    started = services.clock()
    try:
        async with asyncio.timeout(work.timeout_s):
            choice = await services.ask(command.path, question)
    except TimeoutError:
        choice = choice_of_silence(command.path, question)
    check_choice(command.path, question, choice)
    return choice, Meta(attempts=command.attempt, seconds=services.clock() - started)


def check_choice(path: str, question: Question, choice: Json) -> None:
    """Raise `InvalidValue` for an answer that is none of the choices."""
    if choice not in question.choices:
        listed = ", ".join(f"`{word}`" for word in question.choices)
        raise InvalidValue(f"`{choice}` is no answer to `{path}`", hint=f"choose one of {listed}")


def choice_of_silence(path: str, question: Question) -> str:
    """What holds when nobody answered in time. Raises `StepTimeout` when the spec does not say."""
    if question.on_timeout is None:
        text = f"nobody answered `{path}` within {question.timeout_s:g} s"
        raise StepTimeout(text, hint="raise `timeout:`, or say what holds then with `on_timeout:`")
    return question.on_timeout
