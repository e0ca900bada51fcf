"""Language-model agency: the model calls tools, in turns, until it answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

from agentspec.api.errors import CallFailed, NoProgress
from agentspec.api.events import Meta
from agentspec.api.messages import Json
from agentspec.api.validate import problems_of
from agentspec.kernel.commands import ReturnCall, StartStep
from agentspec.nodes.services import CallBlock, Services
from agentspec.plan.model import AgencyWork, Offer

_SAME = 3
"""The same call with the same result this many times in a row is no progress."""


async def converse(command: StartStep, work: AgencyWork, call: CallBlock, services: Services) -> tuple[Json, Meta]:
    """Let the model call tools until it answers. Raises `NoProgress`, and what failed a turn."""
    started = services.clock()
    path = command.path
    turns: list[Json] = [{"role": role, "content": text(command.lookup)} for role, text in work.messages]
    offers = {offer.wire: offer for offer in work.offers}
    repeated = _Repetition(path)
    metas: list[Meta] = []
    for number in range(work.max_turns):
        turn = await call(path, "lm", {"turns": list(turns)})
        said = value_of(turn)
        if turn.meta is not None:
            metas.append(turn.meta)
        if "calls" not in said:
            return said["answer"], _total(metas, command.attempt, services.clock() - started)
        if number == work.max_turns - 1:
            break
        calls = [{**one, "id": one["id"] or f"call_{number + 1}_{place}"} for place, one in enumerate(said["calls"])]
        turns.append({"role": "assistant", "content": said["text"] if turn_is_text(said) else "", "calls": calls})
        results = await asyncio.gather(*(_result(one, offers, path, call) for one in calls))
        for one, result in zip(calls, results, strict=True):
            repeated.add(one, result)
            turns.append({"role": "tool", "content": result, "call_id": one["id"]})
    raise NoProgress(
        f"`{path}` used its {work.max_turns} turns and gave no answer",
        hint="raise `max_turns`, offer fewer tools, or bind a larger model",
    )


def value_of(returned: ReturnCall) -> Any:
    """The value that a call came to. Raises `CallFailed`."""
    failure = returned.failure
    if failure is None:
        return returned.value
    raise CallFailed(failure.message, hint=failure.hint, code=failure.code, kind=failure.kind, done=returned.value)


def turn_is_text(said: Json) -> bool:
    """Tell whether a turn with calls also has words of its own, and is not the calls written as JSON."""
    return bool(said["text"]) and not said["text"].lstrip().startswith("{")


async def _result(wanted: Json, offers: dict[str, Offer], path: str, call: CallBlock) -> str:
    """What the model is told of its call. What is wrong with the call goes back to it, and no tool runs."""
    offer = offers.get(wanted["name"])
    if offer is None:
        return f"There is no tool {wanted['name']!r}. There are: {', '.join(offers)}."
    arguments = wanted["arguments"]
    problems = problems_of(arguments, offer.parameters)
    if problems:
        return "These arguments do not fit: " + "; ".join(problems[:5])
    returned = await call(path, offer.name, {"args": arguments})
    if returned.failure is not None:
        return f"The tool failed: {returned.failure.message}"
    value = returned.value
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


class _Repetition:
    """Notices a model that makes the same call and gets the same result again and again."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._last: tuple[str, str, str] | None = None
        self._times = 0

    def add(self, wanted: Json, result: str) -> None:
        """Count a call. Raises `NoProgress` at the third of the same kind in a row."""
        arguments = json.dumps(wanted["arguments"], sort_keys=True, ensure_ascii=False)
        this = (wanted["name"], arguments, result)
        self._times = self._times + 1 if this == self._last else 1
        self._last = this
        if self._times == _SAME:
            shown = arguments if len(arguments) <= 80 else arguments[:77] + "…"
            raise NoProgress(
                f"`{self._path}` makes no progress: `{wanted['name']}` with {shown} gave the same result {_SAME} times",
                hint="say in the prompt when to stop, or bind a larger model",
            )


def _total(metas: Iterable[Meta], attempt: int, seconds: float) -> Meta:
    """How all turns together ran; the confidence is that of the last one, which gave the answer."""
    turns = list(metas)
    costs = [meta.usd for meta in turns]
    last = turns[-1]
    return last._replace(
        usd=None if None in costs else sum(cost for cost in costs if cost is not None),
        tokens_in=sum(meta.tokens_in for meta in turns),
        tokens_out=sum(meta.tokens_out for meta in turns),
        calls=sum(meta.calls for meta in turns),
        attempts=attempt,
        seconds=seconds,
    )
