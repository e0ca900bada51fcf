"""One turn of a model that may call tools. The conversation is data, so that it can be recorded and resumed."""

from __future__ import annotations

from agentspec.api.backend import Capabilities
from agentspec.api.events import Meta
from agentspec.api.messages import Json, Message, Request, ToolCall, ToolOffer
from agentspec.kernel.commands import StartStep
from agentspec.models.toolcalls import read_turn, with_tools
from agentspec.nodes.composites import exchange
from agentspec.nodes.exchange import Asking, Read
from agentspec.nodes.lm import request_with
from agentspec.nodes.services import Services
from agentspec.plan.model import TurnWork


async def take_turn(command: StartStep, work: TurnWork, services: Services) -> tuple[Json, Meta]:
    """Ask for the next turn of the conversation `turns`; see `read_turn` for the value. Raises `BackendError`."""
    started = services.clock()
    offers = tuple(ToolOffer(one.wire, one.description, one.parameters) for one in work.offers)
    messages = tuple(message_of(turn) for turn in command.lookup("turns"))
    plain = request_with(messages, work.settings, work.output)

    def prepare(capabilities: Capabilities) -> tuple[Request, Read]:
        native = capabilities.tools
        return with_tools(plain, offers, native), lambda reply: read_turn(reply, work.output, offers, native)

    asking = Asking(command.path, f"{services.run}/{command.path}", prepare, work.repair, command.lookup)
    answer = await exchange(work.model, asking, services)
    value = {"text": answer.reply.text if "calls" in answer.value else "", **answer.value}
    return value, answer.meta(command.attempt, services.clock() - started)


def message_of(turn: Json) -> Message:
    """A turn of the conversation as a message."""
    calls = tuple(ToolCall(call["id"], call["name"], call["arguments"]) for call in turn.get("calls", ()))
    return Message(turn["role"], turn["content"], calls, turn.get("call_id"))
