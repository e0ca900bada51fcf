"""One turn of a model that may call tools. The conversation is data, so that it can be recorded and resumed."""

from __future__ import annotations

from dataclasses import replace

from agentspec.api.backend import Capabilities
from agentspec.api.errors import BackendRefused
from agentspec.api.events import Meta
from agentspec.api.messages import Json, Message, Request, ToolCall, ToolOffer
from agentspec.kernel.commands import StartStep
from agentspec.models.answers import Answer, read_answer
from agentspec.models.grounding import Grounds, for_model, grounds_of
from agentspec.models.toolcalls import read_turn, with_tools, without_tools
from agentspec.nodes.composites import exchange
from agentspec.nodes.exchange import Asking, Read
from agentspec.nodes.lm import request_with
from agentspec.nodes.services import Services
from agentspec.plan.work import TurnWork


async def take_turn(command: StartStep, work: TurnWork, services: Services) -> tuple[Json, Meta]:
    """Ask for the next turn of the conversation `turns`; see `read_turn` for the value.

    `last` says that no further turn follows: the model then has to answer.

    Raises `BackendError`, `NothingToChoose`.
    """
    started = services.clock()
    lookup = command.lookup
    messages = tuple(message_of(turn) for turn in lookup("turns"))
    grounds = grounds_of(work.output, work.grounding, lookup)
    plain = request_with(messages, work.settings, work.output, grounds)
    offers = tuple(ToolOffer(one.wire, one.description, one.parameters) for one in work.offers)
    refused: list[BackendRefused] = []

    def prepare(capabilities: Capabilities) -> tuple[Request, Read]:
        if not offers:
            return plain, lambda reply: _answered(read_answer(reply, work.accepts or work.output))
        native = capabilities.tools
        if native and refused:
            raise refused[0]
        put = without_tools if lookup("last") else with_tools
        request = put(for_model(plain, capabilities), offers, native)
        return request, lambda reply: _grounded(read_turn(reply, work.output, native), grounds)

    asking = Asking(command.path, f"{services.run}/{command.path}", prepare, work.repair, lookup, _answer_in)
    try:
        answer = await exchange(work.model, asking, services)
    except BackendRefused as error:  # some servers tell only when asked that a model does not take tools
        if not offers:
            raise
        refused.append(error)
        answer = await exchange(work.model, asking, services)
    return answer.value, answer.meta(command.attempt, services.clock() - started)


def _answered(answer: Answer) -> Answer:
    return answer if answer.problems else replace(answer, value={"answer": answer.value})


def _grounded(turn: Answer, grounds: Grounds | None) -> Answer:
    if grounds is None or turn.problems or "answer" not in turn.value:
        return turn
    held = grounds.hold(replace(turn, value=turn.value["answer"]))
    return replace(held, value={"answer": held.value})


def _answer_in(turn: Json) -> Json:
    """What a cascade's `accept` sees: the answer, null while the model calls tools."""
    return turn.get("answer")


def message_of(turn: Json) -> Message:
    """A turn of the conversation as a message."""
    calls = tuple(ToolCall(call["id"], call["name"], call["arguments"]) for call in turn.get("calls", ()))
    return Message(turn["role"], turn["content"], calls, turn.get("call_id"))
