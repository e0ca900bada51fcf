"""More compute at inference: a model is asked several times, and one answer is picked."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from agentspec.api.backend import Capabilities
from agentspec.api.errors import InvalidAnswer
from agentspec.api.events import Meta
from agentspec.api.messages import Json, Message, Request, Usage
from agentspec.models.answers import read_answer
from agentspec.nodes.composites import exchange
from agentspec.nodes.exchange import Asking, Exchange, Read
from agentspec.nodes.services import Services
from agentspec.plan.model import LmWork, Lookup, Sampling


async def sample(work: LmWork, sampling: Sampling, asking: Asking, services: Services) -> tuple[Json, Meta]:
    """Return the picked answer, and how it was found. Raises `InvalidAnswer` when no sample is valid.

    The confidence of a majority is its share of the samples that were asked for (self-consistency).
    """
    if sampling.pick == "first_valid":
        return await _first_valid(work, sampling, asking, services)
    samples = [_seeded(asking, number) for number in range(sampling.n)]
    if sampling.pick == "majority":
        return await _majority(work, samples, services)
    return await _best(work, sampling, samples, asking, services)


def _seeded(asking: Asking, number: int) -> Asking:
    """One sample: with its own key, and with its own seed, since equal ones would give equal answers."""

    def prepare(capabilities: Capabilities) -> tuple[Request, Read]:
        request, read = asking.prepare(capabilities)
        return replace(request, seed=(request.seed or 0) + number), read

    return replace(asking, key=f"{asking.key}^{number}", prepare=prepare)


async def _majority(work: LmWork, samples: Sequence[Asking], services: Services) -> tuple[Json, Meta]:
    """Ask at the same time, and stop as soon as the majority cannot change any more."""
    votes: Counter[str] = Counter()
    answers: dict[str, Exchange] = {}
    failed: list[InvalidAnswer] = []
    usages: list[Usage] = []
    tasks = [asyncio.ensure_future(exchange(work.model, one, services)) for one in samples]
    try:
        for left, following in zip(range(len(tasks) - 1, -1, -1), asyncio.as_completed(tasks), strict=True):
            try:
                answer = await following
            except InvalidAnswer as error:
                failed.append(error)
                usages += error.usages
                continue
            word = json.dumps(answer.value, sort_keys=True, ensure_ascii=False)
            votes[word] += 1
            answers.setdefault(word, answer)
            usages += answer.usages
            ranked = votes.most_common(2)
            second = ranked[1][1] if len(ranked) > 1 else 0
            if ranked[0][1] > second + left:
                break
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if not votes:
        raise failed[0]
    word, count = votes.most_common(1)[0]
    meta = _meta(answers[word], usages)
    return answers[word].value, meta._replace(confidence=count / len(samples))


async def _best(
    work: LmWork, sampling: Sampling, samples: Sequence[Asking], asking: Asking, services: Services
) -> tuple[Json, Meta]:
    """Ask at the same time, and have a judge choose by number."""
    done = await asyncio.gather(*(exchange(work.model, one, services) for one in samples), return_exceptions=True)
    answers = [one for one in done if isinstance(one, Exchange)]
    for one in done:
        if isinstance(one, BaseException) and (not answers or not isinstance(one, InvalidAnswer)):
            raise one
    listed = "\n\n".join(f"Answer {number + 1}:\n{_shown(one.value)}" for number, one in enumerate(answers))
    text = f"A task and {len(answers)} answers to it. Which answer is best?\n\nTask:\n{asking.prompt()}\n\n{listed}"
    schema = {
        "type": "object",
        "properties": {"best": {"type": "integer", "minimum": 1, "maximum": len(answers)}},
        "required": ["best"],
        "additionalProperties": False,
    }
    question = Request((Message("user", text),), schema)

    def prepare(capabilities: Capabilities) -> tuple[Request, Read]:
        return question, lambda reply: read_answer(reply, schema)

    judging = replace(asking, key=f"{asking.key}^judge", prepare=prepare)
    verdict = await exchange(sampling.judge, judging, services)
    chosen = answers[verdict.value["best"] - 1]
    usages = [usage for one in (*answers, verdict) for usage in one.usages]
    return chosen.value, _meta(chosen, usages)


async def _first_valid(work: LmWork, sampling: Sampling, asking: Asking, services: Services) -> tuple[Json, Meta]:
    """Ask one after the other until the check holds: a later sample is only paid for when it is needed."""
    assert sampling.check is not None
    usages: list[Usage] = []
    for number in range(sampling.n):
        try:
            answer = await exchange(work.model, _seeded(asking, number), services)
        except InvalidAnswer as error:
            usages += error.usages
            continue
        usages += answer.usages
        meta = _meta(answer, usages)
        if sampling.check(_checked(answer.value, meta.confidence or 0.0, asking.lookup)):
            return answer.value, meta
    raise InvalidAnswer(
        f"none of {sampling.n} answers of `{services.models.uses(work.model)}` passes `check`",
        hint="raise `n`, loosen `check`, or bind a larger model",
        usages=tuple(usages),
    )


def _checked(output: Json, confidence: float, lookup: Lookup) -> Lookup:
    """What `check` sees: the answer, and the names of the block that the node stands in."""
    seen = {"output": output, "confidence": confidence}
    return lambda name: seen[name] if name in seen else lookup(name)


def _meta(answer: Exchange, usages: Sequence[Usage]) -> Meta:
    return replace(answer, usages=tuple(usages)).meta(1, 0.0)


def _shown(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
