"""More compute at inference: a model is asked several times, and one answer is picked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace

from agentspec.api.backend import Capabilities
from agentspec.api.errors import InvalidAnswer
from agentspec.api.events import Meta
from agentspec.api.messages import Json, Message, Request, Usage, as_text
from agentspec.api.schema import closed_object
from agentspec.models.answers import read_answer
from agentspec.nodes.composites import exchange
from agentspec.nodes.exchange import Asking, Exchange, Read
from agentspec.nodes.services import Services
from agentspec.plan.work import LmWork, Lookup, Sampling


async def sample(work: LmWork, sampling: Sampling, asking: Asking, services: Services) -> tuple[Json, Meta]:
    """Return the picked answer, and how it was found. Raises `InvalidAnswer` when there is none to pick.

    Any other failure of one sample is that of the step. The usage is that of the samples that were waited for:
    what others had used by then is told in `CallAnswered`, as for every call, and in nothing else.
    """
    if sampling.pick == "first_valid":
        return await _first_valid(work, sampling, asking, services)
    samples = [_seeded(asking, number) for number in range(sampling.n)]
    if sampling.pick == "majority":
        return await _majority(work.model, samples, services)
    return await _best(work.model, sampling.judge, samples, asking, services)


def _seeded(asking: Asking, number: int) -> Asking:
    """One sample: with its own key, and with its own seed, since equal ones would give equal answers."""

    def prepare(capabilities: Capabilities) -> tuple[Request, Read]:
        request, read = asking.prepare(capabilities)
        return replace(request, seed=(request.seed or 0) + number), read

    return replace(asking, key=f"{asking.key}^{number}", prepare=prepare, aloud=False)


async def _answers(
    model: str, samples: Sequence[Asking], services: Services
) -> AsyncGenerator[tuple[int, Exchange | InvalidAnswer], None]:
    """Ask at the same time, and give what comes of each sample as it comes. Leaving early cancels the rest."""

    async def ask(number: int) -> tuple[int, Exchange | InvalidAnswer]:
        try:
            return number, await exchange(model, samples[number], services)
        except InvalidAnswer as error:
            return number, error

    tasks = [asyncio.ensure_future(ask(number)) for number in range(len(samples))]
    try:
        for following in asyncio.as_completed(tasks):
            yield await following
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _majority(model: str, samples: Sequence[Asking], services: Services) -> tuple[Json, Meta]:
    """Stop as soon as the majority cannot change any more.

    Of answers given equally often, that of the first sample wins, in whatever order they came. The confidence is
    the share of the majority among the samples that came back (self-consistency: Wang et al. 2022).
    """
    votes: dict[str, dict[int, Exchange]] = {}
    invalid: list[InvalidAnswer] = []
    usages: list[Usage] = []
    came = 0
    async with aclosing(_answers(model, samples, services)) as answers:
        async for number, answer in answers:
            came += 1
            usages += answer.usages
            if isinstance(answer, InvalidAnswer):
                invalid.append(answer)
            else:
                votes.setdefault(json.dumps(answer.value, sort_keys=True), {})[number] = answer
            counts = sorted((len(given) for given in votes.values()), reverse=True)
            most, second, *_ = *counts, 0, 0
            if most > second + len(samples) - came:
                break
    if not votes:
        raise _none_valid(len(samples), invalid[0], usages)
    given = max(votes.values(), key=lambda given: (len(given), -min(given)))
    chosen = given[min(given)]
    return chosen.value, _meta(chosen, usages)._replace(confidence=len(given) / came)


async def _best(
    model: str, judge: str, samples: Sequence[Asking], asking: Asking, services: Services
) -> tuple[Json, Meta]:
    """Have a judge choose by number. Where all answers are the same, there is nothing to choose."""
    came: dict[int, Exchange] = {}
    invalid: list[InvalidAnswer] = []
    usages: list[Usage] = []
    async with aclosing(_answers(model, samples, services)) as answers:
        async for number, answer in answers:
            usages += answer.usages
            if isinstance(answer, InvalidAnswer):
                invalid.append(answer)
            else:
                came[number] = answer
    if not came:
        raise _none_valid(len(samples), invalid[0], usages)
    different: dict[str, Exchange] = {}
    for number in sorted(came):
        different.setdefault(json.dumps(came[number].value, sort_keys=True), came[number])
    choices = list(different.values())
    if len(choices) == 1:
        return choices[0].value, _meta(choices[0], usages)
    verdict = await exchange(judge, _judging(asking, choices), services)
    chosen = choices[verdict.value["best"] - 1]
    return chosen.value, _meta(chosen, [*usages, *verdict.usages])


def _judging(asking: Asking, choices: Sequence[Exchange]) -> Asking:
    """What the judge is asked."""
    listed = "\n\n".join(f"Answer {number}:\n{as_text(one.value)}" for number, one in enumerate(choices, 1))
    text = f"A task and {len(choices)} answers to it. Which answer is best?\n\nTask:\n{asking.prompt()}\n\n{listed}"
    schema = closed_object({"best": {"type": "integer", "minimum": 1, "maximum": len(choices)}})
    question = Request((Message("user", text),), schema)

    def prepare(capabilities: Capabilities) -> tuple[Request, Read]:
        return question, lambda reply: read_answer(reply, schema)

    return replace(asking, key=f"{asking.key}^judge", prepare=prepare, aloud=False)


async def _first_valid(work: LmWork, sampling: Sampling, asking: Asking, services: Services) -> tuple[Json, Meta]:
    """Ask one after the other until the check holds: a later sample is only paid for when it is needed."""
    usages: list[Usage] = []
    for number in range(sampling.n):
        try:
            answer = await exchange(work.model, _seeded(asking, number), services)
        except InvalidAnswer as error:
            usages += error.usages
            continue
        usages += answer.usages
        meta = _meta(answer, usages)
        if passes(sampling, answer.value, meta.confidence, asking.lookup):
            return answer.value, meta
    raise InvalidAnswer(
        f"none of {sampling.n} answers of `{services.models.uses(work.model)}` passes `check`",
        hint="raise `n`, loosen `check`, or bind a larger model",
        usages=tuple(usages),
    )


def passes(sampling: Sampling, output: Json, confidence: float | None, lookup: Lookup) -> bool:
    """Tell whether `check` holds. It sees the answer, and the names of the block that the node stands in."""
    seen = {"output": output, "confidence": confidence or 0.0}
    return sampling.check is None or bool(sampling.check(lambda name: seen[name] if name in seen else lookup(name)))


def _none_valid(count: int, first: InvalidAnswer, usages: Iterable[Usage]) -> InvalidAnswer:
    return InvalidAnswer(f"none of {count} samples fits: {first.message}", hint=first.hint, usages=tuple(usages))


def _meta(answer: Exchange, usages: Iterable[Usage]) -> Meta:
    return replace(answer, usages=tuple(usages)).meta(1, 0.0)
