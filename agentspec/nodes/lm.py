"""One LM step: one answer, or one picked from several."""

from __future__ import annotations

from agentspec.api.backend import Capabilities
from agentspec.api.events import Meta
from agentspec.api.messages import Json, Message, Request, Schema
from agentspec.kernel.commands import StartStep
from agentspec.models.answers import read_answer
from agentspec.nodes.composites import exchange
from agentspec.nodes.exchange import Asking, Read
from agentspec.nodes.sampling import sample
from agentspec.nodes.services import Services
from agentspec.plan.model import LmWork, Lookup, Settings


def request_of(work: LmWork, lookup: Lookup) -> Request:
    """What an LM node asks, with its texts filled in. Raises `EvaluationFailed`."""
    messages = tuple(Message(role, text(lookup)) for role, text in work.messages)
    return request_with(messages, work.settings, work.output)


def request_with(messages: tuple[Message, ...], settings: Settings, output: Schema | None) -> Request:
    """A request with the generation settings of a node."""
    return Request(
        messages=messages,
        output=output,
        temperature=settings.temperature,
        max_tokens=settings.max_tokens,
        stop=settings.stop,
        seed=settings.seed,
    )


async def ask(command: StartStep, work: LmWork, services: Services) -> tuple[Json, Meta]:
    """Run an LM step. Raises `BackendError`, `LimitReached`, `EvaluationFailed`."""
    started = services.clock()
    request = request_of(work, command.lookup)

    def prepare(capabilities: Capabilities) -> tuple[Request, Read]:
        return request, lambda reply: read_answer(reply, work.output)

    asking = Asking(command.path, f"{services.run}/{command.path}", prepare, work.repair, command.lookup)
    if work.sampling is not None:
        value, meta = await sample(work, work.sampling, asking, services)
        return value, meta._replace(attempts=command.attempt, seconds=services.clock() - started)
    answer = await exchange(work.model, asking, services)
    return answer.value, answer.meta(command.attempt, services.clock() - started)
