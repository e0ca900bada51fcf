"""Tools that write down that they were called, each before and after its work."""

from __future__ import annotations

import os
import time
from pathlib import Path

from agentspec.api import ToolContext, Toolset, hookimpl

ledger = Toolset("ledger", "Keeps a book of its own calls.")


def _work(context: ToolContext, seconds: float) -> None:
    for word in ("begin", "end"):
        with Path(os.environ["LEDGER"]).open("a", encoding="utf-8") as book:
            book.write(f"{word} {context.key.partition('/')[2]}\n")
        if word == "begin":
            time.sleep(seconds)


@ledger.tool(effect="read")
def look(context: ToolContext, n: int = 0, seconds: float = 0.01) -> int:
    """Change nothing."""
    _work(context, seconds)
    return n + 1


@ledger.tool(effect="write")
def pay(context: ToolContext, n: int = 0, seconds: float = 0.01) -> int:
    """Change something that must not be changed twice."""
    _work(context, seconds)
    return n + 1


@ledger.tool(effect="write", idempotent=True)
def put(context: ToolContext, n: int = 0, seconds: float = 0.01) -> int:
    """Change something that may be changed twice."""
    _work(context, seconds)
    return n + 1


@hookimpl
def agentspec_register_tools() -> list[Toolset]:
    """Offer them."""
    return [ledger]
