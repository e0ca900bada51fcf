"""The tools that the specs of the corpus use: a help desk and its stock, all from memory."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import ConfigDict
from typing_extensions import TypedDict

from agentspec.api import Children, ControllerFactory, Options, Toolset, hookimpl


class DeskOptions(Options):
    """`file` is the desk's data, `region` the office that it belongs to."""

    file: str | None = None
    region: Literal["north", "south"] = "north"
    timeout_s: float = 5.0


class Ticket(TypedDict):
    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]
    number: int
    sender: str
    subject: str
    body: str
    tags: list[str]
    due: str | None


class Hit(TypedDict):
    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]
    title: str
    text: str
    score: float


desk = Toolset("desk", "Tickets of a help desk.", options=DeskOptions)
stock = Toolset("stock", "What is on the shelves.")

_TICKET = Ticket(number=7, sender="ben@example.org", subject="Printer", body="It hums.", tags=["print"], due=None)


@desk.tool(effect="read")
def tickets(status: Literal["open", "closed"] = "open", limit: int = 20) -> list[Ticket]:
    """The newest tickets."""
    return [_TICKET][:limit] if status == "open" else []


@desk.tool(effect="read")
def ticket(number: int) -> Ticket:
    """One ticket."""
    return Ticket({**_TICKET, "number": number})


@desk.tool(effect="read")
def search(query: str, limit: int = 5, since: date | None = None) -> list[Hit]:
    """Look for articles."""
    return [Hit(title="Noise", text=f"About {query}.", score=0.5)][:limit]


@desk.tool(effect="write", idempotent=True)
def tag(number: int, tags: list[str], urgent: bool = False) -> bool:
    """Label a ticket."""
    return bool(tags) or urgent


@desk.tool(effect="external")
def reply(number: int, body: str, public: bool = True) -> str:
    """Answer a ticket."""
    return f"{number}: {body[:20]}" if public else ""


@stock.tool(effect="read")
def level(sku: str, day: date | None = None) -> int:
    """How many pieces are there."""
    return len(sku)


@stock.tool(effect="read")
def price(sku: str, pieces: int = 1, discount: float = 0.0) -> float:
    """What they cost, in euros."""
    return round(9.5 * pieces * (1 - discount), 2)


@desk.controller()
async def longest(children: Children, rounds: int, start: str = "") -> str:
    """The longest of some drafts."""
    drafts = [await children.call("draft", text=start, round=number) for number in range(rounds)]
    return max(drafts, key=len)


class RelayOptions(Options):
    """`baton` goes from node to node."""

    baton: str
    laps: int = 1


async def relay(children: Children, config: RelayOptions) -> str:
    """Hand a text from each node to the next one."""
    baton = config.baton
    for _ in range(config.laps):
        for name in children.names:
            baton = await children.call(name, baton=baton)
    return baton


@hookimpl
def agentspec_register_controllers() -> list[ControllerFactory]:
    return [ControllerFactory("relay", relay, RelayOptions, {"type": "string"}, "hands a text on")]


@hookimpl
def agentspec_register_tools() -> list[Toolset]:
    return [desk, stock]
