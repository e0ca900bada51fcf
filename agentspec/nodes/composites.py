"""Asking models that are made of others. Each model that is asked is seen by observers like any other."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

from agentspec.api.errors import BackendError, InvalidAnswer
from agentspec.api.events import ModelEscalated, ShadowAnswered
from agentspec.api.messages import Json
from agentspec.models.confidence import confidence
from agentspec.nodes.exchange import Asking, Exchange, ask_model
from agentspec.nodes.services import Services
from agentspec.plan.model import Composite, Lookup

_NEXT_ON = frozenset({"unavailable", "rate_limit", "timeout"})
"""Failures after which a fallback asks the next model."""


async def exchange(model: str, asking: Asking, services: Services) -> Exchange:
    """Ask a model by its key, whatever it is made of. Raises `BackendError`, `InvalidAnswer`, `LimitReached`."""
    entry = services.models.entry(model)
    if isinstance(entry, Composite):
        return await _STRATEGIES[entry.kind](entry, asking, services)
    return await ask_model(model, asking, services)


async def _cascade(composite: Composite, asking: Asking, services: Services) -> Exchange:
    """The last model has nobody behind it: its valid answer is taken as it is."""
    assert composite.accept is not None
    spent: tuple[Any, ...] = ()
    *first, last = composite.members
    for place, member in enumerate(first):
        try:
            answer = await exchange(member, asking.for_member(place), services)
        except InvalidAnswer as error:
            reason, spent = error.message, (*spent, *error.usages)
        else:
            if composite.accept(_seen(answer).__getitem__):
                return answer.after(spent, escalated=place > 0)
            reason, spent = "not accepted", (*spent, *answer.usages)
        following = composite.members[place + 1]
        services.tell(ModelEscalated(asking.path, member, following, reason))
    answer = await exchange(last, asking.for_member(len(first)), services)
    return answer.after(spent, escalated=True)


def _seen(answer: Exchange) -> dict[str, Json]:
    """What `accept` sees. Only valid answers come here."""
    sure = confidence(answer.reply.logprobs, structured=answer.structured)
    costs = [usage.usd for usage in answer.usages]
    usd = None if None in costs else sum(cost for cost in costs if cost is not None)
    return {"output": answer.value, "confidence": sure or 0.0, "valid": True, "usd": usd}


async def _fallback(composite: Composite, asking: Asking, services: Services) -> Exchange:
    *first, last = composite.members
    for place, member in enumerate(first):
        try:
            return await exchange(member, asking.for_member(place), services)
        except BackendError as error:
            if error.kind not in _NEXT_ON:
                raise
            services.tell(ModelEscalated(asking.path, member, composite.members[place + 1], error.message))
    return await exchange(last, asking.for_member(len(first)), services)


async def _route(composite: Composite, asking: Asking, services: Services) -> Exchange:
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
    reached, chosen = 0.0, len(composite.members) - 1
    for place, share in enumerate(composite.shares):
        reached += share
        if point < reached:
            chosen = place
            break
    return await exchange(composite.members[chosen], asking, services)


async def _shadow(composite: Composite, asking: Asking, services: Services) -> Exchange:
    """Ask both; what becomes of the second never touches the answer."""
    main, other = composite.members
    answer = await exchange(main, asking.for_member(0), services)

    async def compare() -> None:
        uses = services.models.uses(other)
        try:
            second = await exchange(other, asking.for_member(1), services)
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
