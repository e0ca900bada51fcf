"""Asking models that are made of others. Each model that is asked is seen by observers like any other."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import accumulate

from agentspec.api.errors import BackendError, InvalidAnswer
from agentspec.api.events import ModelEscalated, ShadowAnswered
from agentspec.api.messages import Usage
from agentspec.nodes.exchange import Asking, Exchange, ask_model
from agentspec.nodes.services import Services
from agentspec.plan.model import Composite
from agentspec.plan.work import Lookup

_NEXT_ON = frozenset({"unavailable", "rate_limit", "timeout"})
"""Failures after which a fallback asks the next model."""


async def exchange(model: str, asking: Asking, services: Services) -> Exchange:
    """Ask a model by its key, whatever it is made of. Raises `BackendError`, `InvalidAnswer`, `LimitReached`."""
    entry = services.models.entry(model)
    if isinstance(entry, Composite):
        return await _STRATEGIES[entry.kind](entry, asking, services)
    return await ask_model(model, asking, services)


async def _cascade(composite: Composite, asking: Asking, services: Services) -> Exchange:
    """The first accepted answer, else the last valid one: nobody stands behind the last model to ask.

    Raises the last model's `InvalidAnswer` when no answer is valid.
    """
    members = composite.members
    usages: tuple[Usage, ...] = ()
    best: Exchange | None = None
    invalid: InvalidAnswer | None = None
    reason = ""
    for place, member in enumerate(members):
        if place:
            before = members[place - 1]
            services.tell(ModelEscalated(asking.path, before, member, reason, services.models.uses(before)))
        try:
            answer = await exchange(member, asking.for_member(place), services)
        except InvalidAnswer as error:
            invalid, reason = error, error.message
            usages += error.usages
            continue
        best, reason = answer, "not accepted"
        usages += answer.usages
        if place == len(members) - 1 or _accepts(composite, answer, asking):
            break
    if best is None:
        assert invalid is not None
        raise InvalidAnswer(invalid.message, hint=invalid.hint, usages=usages)
    return best if place == 0 else best.escalated(usages)


def _accepts(composite: Composite, answer: Exchange, asking: Asking) -> bool:
    """Ask `accept` about a valid answer; others it never sees."""
    assert composite.accept is not None
    sure = answer.confidence or 0.0
    seen = {"output": asking.seen(answer.value), "confidence": sure, "valid": True, "usd": answer.usd}
    return bool(composite.accept(seen.__getitem__))


async def _fallback(composite: Composite, asking: Asking, services: Services) -> Exchange:
    """The first model that answers; raises the last one's failure, or one that another model would not mend."""
    *first, last = composite.members
    for place, member in enumerate(first):
        try:
            return await exchange(member, asking.for_member(place), services)
        except BackendError as error:
            if error.kind not in _NEXT_ON:
                raise
            following, uses = composite.members[place + 1], services.models.uses(member)
            services.tell(ModelEscalated(asking.path, member, following, error.message, uses))
    return await exchange(last, asking.for_member(len(first)), services)


async def _route(composite: Composite, asking: Asking, services: Services) -> Exchange:
    """The checker has seen to it that the last way is always open."""
    lookup = _prompt_and(asking.lookup, asking.prompt())
    chosen = next(
        place for place, condition in enumerate(composite.conditions) if condition is None or condition(lookup)
    )
    return await exchange(composite.members[chosen], asking, services)


def _prompt_and(lookup: Lookup, prompt: str) -> Lookup:
    return lambda name: prompt if name == "prompt" else lookup(name)


async def _split(composite: Composite, asking: Asking, services: Services) -> Exchange:
    """The same model for the whole run: chosen by the run's id, not by chance."""
    digest = hashlib.sha256(f"{services.run}/{composite.name}".encode()).digest()
    point = int.from_bytes(digest[:8], "big") / 2**64
    reached = enumerate(accumulate(composite.shares[:-1]))
    chosen = next((place for place, share in reached if point < share), -1)
    return await exchange(composite.members[chosen], asking, services)


async def _shadow(composite: Composite, asking: Asking, services: Services) -> Exchange:
    """Ask both; what becomes of the second never touches the answer, and nobody waits for it."""
    main, other = composite.members
    answer = await exchange(main, asking.for_member(0), services)

    async def compare() -> None:
        uses = services.models.uses(other)
        quiet = replace(asking.for_member(1), aloud=False)
        try:
            second = await exchange(other, quiet, services)
        except Exception as error:
            services.tell(ShadowAnswered(asking.path, uses, None, str(error)))
        else:
            services.tell(ShadowAnswered(asking.path, uses, second.value == answer.value, ""))

    services.models.in_background(compare())
    return answer


_STRATEGIES: dict[str, Callable[[Composite, Asking, Services], Awaitable[Exchange]]] = {
    "cascade": _cascade,
    "fallback": _fallback,
    "route": _route,
    "split": _split,
    "shadow": _shadow,
}
