"""One LM step: one answer, or one picked from several."""

from __future__ import annotations

from agentspec.api.backend import Capabilities
from agentspec.api.events import Meta
from agentspec.api.messages import Json, Message, Reply, Request, Schema
from agentspec.kernel.commands import StartStep
from agentspec.models.answers import Answer, read_answer
from agentspec.models.grounding import Grounds, for_model, grounds_of
from agentspec.nodes.composites import exchange
from agentspec.nodes.exchange import Asking, Read
from agentspec.nodes.sampling import sample
from agentspec.nodes.services import Services
from agentspec.plan.work import LmWork, Lookup, Settings


def request_of(work: LmWork, lookup: Lookup) -> Request:
    """What an LM node asks, with its texts filled in. Raises `EvaluationFailed`, `NothingToChoose`."""
    return _question(work, lookup)[0]


def _question(work: LmWork, lookup: Lookup) -> tuple[Request, Grounds | None]:
    messages = tuple(Message(role, text(lookup)) for role, text in work.messages)
    grounds = grounds_of(work.output, work.grounding, lookup)
    return request_with(messages, work.settings, work.output, grounds), grounds


def request_with(
    messages: tuple[Message, ...], settings: Settings, output: Schema | None, grounds: Grounds | None
) -> Request:
    """A request with the generation settings of a node, for an answer that `grounds` allows.

    Raises `NothingToChoose`.
    """
    request = Request(
        messages=messages,
        output=output,
        temperature=settings.temperature,
        max_tokens=settings.max_tokens,
        stop=settings.stop,
        seed=settings.seed,
    )
    return request if grounds is None else grounds.put_to(request)


def read_grounded(reply: Reply, output: Schema | None, grounds: Grounds | None) -> Answer:
    """Parse and validate a reply, and hold it to the texts that it may be taken from."""
    answer = read_answer(reply, output)
    return answer if grounds is None else grounds.hold(answer)


async def ask(command: StartStep, work: LmWork, services: Services) -> tuple[Json, Meta]:
    """Run an LM step. Raises `BackendError`, `LimitReached`, `EvaluationFailed`, `NothingToChoose`."""
    started = services.clock()
    request, grounds = _question(work, command.lookup)

    def prepare(capabilities: Capabilities) -> tuple[Request, Read]:
        return for_model(request, capabilities), lambda reply: read_grounded(reply, work.output, grounds)

    asking = Asking(command.path, f"{services.run}/{command.path}", prepare, work.repair, command.lookup)
    if work.sampling is not None:
        value, meta = await sample(work, work.sampling, asking, services)
        return value, meta._replace(attempts=command.attempt, seconds=services.clock() - started)
    answer = await exchange(work.model, asking, services)
    return answer.value, answer.meta(command.attempt, services.clock() - started)
