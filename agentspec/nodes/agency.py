"""Language-model agency: the model calls tools, in turns, until it answers.

What a model says is not trusted: names, arguments and ids are checked before anything is done with them, and
what is wrong goes back to the model as the result of its call.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agentspec.api.errors import CallFailed, NoProgress
from agentspec.api.events import Meta
from agentspec.api.messages import Json, as_text
from agentspec.api.validate import problems_of
from agentspec.kernel.commands import ReturnCall, StartStep
from agentspec.nodes.services import CallBlock, Services
from agentspec.plan.work import AgencyWork, Offer
from agentspec.spec.diagnostics import suggest

SAME = 3
"""The same calls with the same results in this many turns, one after the other, are no progress."""

LONGEST_RESULT = 20_000
"""Characters of a result that the model is given; it is told how much is missing."""


async def converse(command: StartStep, work: AgencyWork, call: CallBlock, services: Services) -> tuple[Json, Meta]:
    """Let the model call tools until it answers. Raises `NoProgress`, and what failed a turn."""
    started = services.clock()
    path = command.path
    turns: list[Json] = [{"role": role, "content": text(command.lookup)} for role, text in work.messages]
    offers = {offer.wire: offer for offer in work.offers}
    repetition, ids, metas = _Repetition(path), set[str](), list[Meta]()
    for number in range(1, work.max_turns + 1):
        turn = await call(path, "lm", {"turns": list(turns), "last": number == work.max_turns})
        said = value_of(turn)
        if turn.meta is not None:
            metas.append(turn.meta)
        if "calls" not in said:
            return said["answer"], _total(metas, command.attempt, services.clock() - started)
        if number < work.max_turns:
            calls = [_tidy(one, f"call_{number}_{place}", ids) for place, one in enumerate(said["calls"], 1)]
            turns.append({"role": "assistant", "content": readable(said["text"]), "calls": calls})
            results = await _results(said["calls"], offers, path, call)
            repetition.add(calls, results)
            turns += [
                {"role": "tool", "content": result, "call_id": one["id"]}
                for one, result in zip(calls, results, strict=True)
            ]
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


async def _results(wanted: Sequence[Json], offers: Mapping[str, Offer], path: str, call: CallBlock) -> list[str]:
    """What the model is told of its calls, in their order. They are made at the same time."""
    made = [asyncio.ensure_future(_result(one, offers, path, call)) for one in wanted]
    try:
        return await asyncio.gather(*made)
    finally:
        for task in made:
            task.cancel()


async def _result(wanted: Json, offers: Mapping[str, Offer], path: str, call: CallBlock) -> str:
    """What the model is told of one call. What is wrong with the call goes back to it, and no tool runs."""
    name, arguments = wanted["name"], wanted["arguments"]
    offer = offers.get(name)
    if offer is None:
        close = suggest(name, offers)
        known = f"Did you mean `{close}`?" if close else f"There are: {', '.join(offers)}."
        return f"There is no tool `{name}`. {known}"
    problems = [wanted["problem"]] if wanted["problem"] else problems_of(arguments, offer.parameters)
    if problems:
        return readable(f"Nothing was called, since the arguments do not fit: {'; '.join(problems[:5])}")
    returned = await call(path, offer.name, {"args": arguments})
    if returned.failure is not None:
        return readable(f"The tool failed: {returned.failure.message}")
    return readable(as_text(returned.value))


def _tidy(wanted: Json, own: str, ids: set[str]) -> Json:
    """A call as it stands in the conversation: providers take only objects as arguments, and ids of their own."""
    given = wanted["id"]
    number = given if given and len(given) <= 64 and given.isascii() and given not in ids else own
    ids.add(number)
    arguments = wanted["arguments"] if isinstance(wanted["arguments"], dict) else {}
    return {"id": number, "name": wanted["name"] or "_", "arguments": arguments}


def readable(text: str) -> str:
    """A text as it goes to a model: not endless, and without what no model or terminal should be fed."""
    if len(text) > LONGEST_RESULT:
        text = f"{text[:LONGEST_RESULT]}\n… (cut: these are the first {LONGEST_RESULT:,} of {len(text):,} characters)"
    return "".join(
        char if char in "\n\t" or (char >= " " and not "\ud800" <= char <= "\udfff") else "\ufffd" for char in text
    )


class _Repetition:
    """Notices a model that makes the same calls and gets the same results, turn after turn."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._last: frozenset[tuple[str, str, str]] = frozenset()
        self._times = 0

    def add(self, calls: Sequence[Json], results: Sequence[str]) -> None:
        """Take in a turn. Raises `NoProgress` at the third of the same kind in a row."""
        shown = [json.dumps(one["arguments"], sort_keys=True, ensure_ascii=False) for one in calls]
        names = [one["name"] for one in calls]
        this = frozenset(zip(names, shown, results, strict=True))
        self._times = self._times + 1 if this == self._last else 1
        self._last = this
        if self._times == SAME:
            first = shown[0] if len(shown[0]) <= 80 else shown[0][:77] + "…"
            more = f" and {len(this) - 1} more" if len(this) > 1 else ""
            raise NoProgress(
                f"`{self._path}` makes no progress: `{names[0]}` with {first}{more} gave the same in {SAME} turns",
                hint="say in the prompt when to stop, or bind a larger model",
            )


def _total(metas: Iterable[Meta], attempt: int, seconds: float) -> Meta:
    """How all turns together ran; confidence and format are those of the last one, which gave the answer."""
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
