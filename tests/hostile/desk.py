"""Agents that listen to a hostile model, and the judge who says what reached them.

The judge is written by hand and knows nothing of JSON Schema, so that it is not wrong in the same way.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from textwrap import dedent
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from agentspec.api import BackendFactory, ControllerFactory, Toolset
from agentspec.plan import Plan, compile_spec
from agentspec.registry import Registry
from agentspec.runtime import Outcome, RunOptions
from agentspec.runtime.session import Run
from agentspec.spec.parse import parse_text

_HEAD = """
agentspec: 1
name: hostile
allow_unreviewed: [desk.book, desk.keep]
models: {m: MODEL}
tools: {desk: desk}
types:
  Triage:
    category: urgent | meeting | other
    priority: {type: integer, minimum: 1, maximum: 5}
    score: number
    due: date | null
    tags: [string]
"""
SORT = (
    _HEAD
    + """
nodes:
  sort: {lm: m, prompt: "Sort this mail.", output: Triage, repair: 1, timeout: PATIENCE, retry: RETRY}
  keep: {tool: desk.keep, with: {triage: "${{ sort }}"}}
result: ${{ sort }}
"""
)
TALK = (
    _HEAD
    + """
nodes:
  talk:
    lm: m
    prompt: "Book a slot, then sort this mail."
    output: Triage
    tools: [desk.look, desk.book]
    max_turns: 4
    repair: 1
    timeout: PATIENCE
  keep: {tool: desk.keep, with: {triage: "${{ talk }}"}}
result: ${{ talk }}
"""
)
SAY = (
    _HEAD
    + """
nodes:
  say: {lm: m, prompt: "Say something.", timeout: PATIENCE, retry: RETRY}
  hear: {tool: desk.hear, with: {text: "${{ say }}"}}
result: ${{ say }}
"""
)
EXPECTED = frozenset(
    {"AS605", "AS612", "AS700", "AS701", "AS702", "AS704", "AS705", "AS706", "AS707", "AS708", "AS711"}
)
"""Codes that a run may end with; AS606 besides, where the backend itself was made to crash."""
LONGEST_MESSAGE = 3000


class Slot(BaseModel):
    model_config = ConfigDict(extra="forbid")

    day: Annotated[int, Field(ge=1, le=31)]
    hour: Annotated[int, Field(ge=0, le=23)]


Title = Annotated[str, Field(min_length=1, max_length=20)]


class Judge:
    """Looks at every value that reaches a node, a tool or the result."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.seen: Counter[str] = Counter()

    def triage(self, found: Any, where: str) -> None:
        self.seen[where] += 1
        problem = _triage_problem(found)
        if problem:
            self.wrong.append(f"{where}: {problem}: {str(found)[:200]!a}")

    def that(self, fine: bool, where: str, found: Any) -> None:
        self.seen[where] += 1
        if not fine:
            self.wrong.append(f"{where}: {str(found)[:200]!a}")


def _triage_problem(found: Any) -> str:
    if type(found) is not dict or set(found) != {"category", "priority", "score", "due", "tags"}:
        return "other fields"
    if found["category"] not in ("urgent", "meeting", "other"):
        return "category"
    priority, score, due, tags = found["priority"], found["score"], found["due"], found["tags"]
    if type(priority) not in (int, float) or priority not in (1, 2, 3, 4, 5):
        return "priority"
    if type(score) not in (int, float) or not math.isfinite(score):
        return "score"
    if due is not None and not (type(due) is str and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", due) and _is_day(due)):
        return "due"
    if type(tags) is not list or not all(type(tag) is str and _is_text(tag) for tag in tags):
        return "tags"
    return ""


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class World:
    """A catalogue with the toolset `desk`, and one backend or those that are installed."""

    def __init__(self, judge: Judge, factory: BackendFactory | None = None) -> None:
        self._factory = factory
        self._registry = Registry()
        self._desk = _desk(judge)

    def backend(self, use: str) -> BackendFactory:
        return self._factory or self._registry.backend(use)

    def toolset(self, use: str) -> Toolset:
        return self._desk

    def controller(self, use: str) -> ControllerFactory:
        return self._registry.controller(use)

    def version(self, use: str) -> str:
        return "1"


def _desk(judge: Judge) -> Toolset:
    desk = Toolset("desk")

    @desk.tool(effect="read")
    async def look(day: Annotated[int, Field(ge=1, le=31)]) -> str:
        """Look a day up."""
        judge.that(type(day) is int and 1 <= day <= 31, "look", day)
        return f"day {day} is free"

    @desk.tool(effect="write")
    async def book(slot: Slot, title: Title, guests: list[str] | None = None) -> str:
        """Book an hour."""
        fine = type(slot) is Slot and type(slot.day) is int and 1 <= slot.day <= 31
        fine = fine and type(slot.hour) is int and 0 <= slot.hour <= 23
        fine = fine and type(title) is str and 1 <= len(title) <= 20 and _is_text(title)
        judge.that(fine and all(type(guest) is str for guest in guests or ()), "book", (slot, title, guests))
        return "booked"

    @desk.tool(effect="read")
    async def hear(text: str) -> str:
        """Hear a text."""
        judge.that(type(text) is str and _is_text(text), "hear", text)
        return "heard"

    @desk.tool(effect="write")
    async def keep(triage: Any) -> str:
        """Keep a result."""
        judge.triage(triage, "keep")
        return "kept"

    return desk


def compiled(text: str, world: World, model: str, patience: str = "200ms", retry: str = "0") -> Plan:
    text = dedent(text).replace("MODEL", model).replace("PATIENCE", patience).replace("RETRY", retry)
    return compile_spec(parse_text(text, folder=Path()), world)


async def one_run(plan: Plan, world: World, judge: Judge, *, stream: bool, crashes: Callable[[], bool]) -> Outcome:
    """Run an agent, and judge how it ended."""
    run = Run(plan, world, RunOptions(outputs=Path("/nonexistent"), stream=stream))
    outcome = await asyncio.wait_for(run.execute({}), 60)
    if outcome.status == "ok":
        if isinstance(outcome.result, str):
            judge.that(_is_text(outcome.result), "result", outcome.result)
        else:
            judge.triage(outcome.result, "result")
    else:
        failure = outcome.failure
        assert failure is not None
        expected = failure.code in EXPECTED or (failure.code == "AS606" and crashes())
        judge.that(expected, "failure", f"{failure.code} {failure.message}")
        judge.that(len(failure.message) <= LONGEST_MESSAGE, "message", failure.message)
    return outcome
