"""Asking one model until its answer fits: ask, hold the answer to its type, show the model its mistake."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from agentspec.api.backend import Backend, Capabilities
from agentspec.api.errors import ContextOverflow, InvalidAnswer
from agentspec.api.events import CallAnswered, CallDelayed, Meta, TextStreamed
from agentspec.api.messages import Json, Reply, Request, Usage
from agentspec.models.answers import Answer, repair_messages
from agentspec.models.confidence import confidence
from agentspec.models.sizes import Size, size_of
from agentspec.nodes.budget import Need
from agentspec.nodes.services import Services
from agentspec.plan.proof.prices import total_usd
from agentspec.plan.work import Lookup

Read = Callable[[Reply], Answer]
Prepare = Callable[[Capabilities], tuple[Request, Read]]
"""How a request is put to a model that can do so much, and how its reply is read."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What a step asks, before it is known which model answers.

    Attributes:
        key: idempotency key of the first call; every other call gets one that is made from it.
        lookup: names of the block that the step stands in.
        seen: what conditions see of an answer as `output`.
        aloud: whether observers may be shown the text while it is written; of several at a time that is no text.
    """

    path: str
    key: str
    prepare: Prepare
    repair: int
    lookup: Lookup
    seen: Callable[[Json], Json] = lambda value: value
    aloud: bool = True

    def for_member(self, place: int) -> Asking:
        """The same for one of the models of a composite."""
        return replace(self, key=f"{self.key}@{place}")

    def prompt(self) -> str:
        """The texts of the request, for choosing by them."""
        request, _ = self.prepare(Capabilities())
        return "\n\n".join(message.content for message in request.messages)


@dataclass(frozen=True, slots=True)
class Exchange:
    """What came of asking: the last reply, its value, and the usage of all calls.

    Attributes:
        model: the model that answered, as `<backend>/<model>`.
        structured: whether the answer was asked for as JSON.
        how: how the answer was obtained, for the format rate.
        span: where the answer stands in the reply's text, unless it is all of it.
    """

    value: Json
    reply: Reply
    usages: tuple[Usage, ...]
    model: str
    structured: bool
    how: str
    span: tuple[int, int] | None = None

    @property
    def confidence(self) -> float | None:
        """How sure the model was, 0..1; None when it does not tell."""
        return confidence(self.reply.logprobs, structured=self.structured, span=self.span)

    def escalated(self, usages: tuple[Usage, ...]) -> Exchange:
        """The same, as what came of asking several models; `usages` are those of all of them."""
        return replace(self, usages=usages, how="escalated")

    @property
    def usd(self) -> float | None:
        """What all calls cost together; None as soon as one of them is unknown."""
        return total_usd(usage.usd for usage in self.usages)

    def meta(self, attempt: int, seconds: float) -> Meta:
        """How a step ran that was this exchange."""
        return Meta(
            confidence=self.confidence,
            model=self.model,
            usd=self.usd,
            tokens_in=sum(usage.tokens_in or 0 for usage in self.usages),
            tokens_out=sum(usage.tokens_out or 0 for usage in self.usages),
            calls=len(self.usages),
            attempts=attempt,
            seconds=seconds,
            format=self.how,
        )


async def ask_model(model: str, asking: Asking, services: Services) -> Exchange:
    """Ask one model, and show it its mistakes at most `repair` times. Raises `InvalidAnswer`, `BackendError`."""
    backend, uses = services.models.get(model), services.models.uses(model)
    request, read = asking.prepare(backend.capabilities)
    request = replace(request, key=asking.key)
    structured = request.output is not None
    usages: list[Usage] = []
    while True:
        is_last = len(usages) >= asking.repair or request.output is None
        call = _Call(model, request, read, is_repair=bool(usages), is_last=is_last)
        reply, answer, how = await _made(call, asking, services)
        usages.append(reply.usage)
        if not answer.problems:
            return Exchange(answer.value, reply, tuple(usages), uses, structured, how, answer.span)
        if is_last or request.output is None:
            raise InvalidAnswer(
                f"`{uses}` gave no answer that fits: {'; '.join(answer.problems[:3])}",
                hint="simplify `output:`, raise `repair:`, or bind a larger model",
                usages=tuple(usages),
            )
        turns = repair_messages(reply, answer.problems, request.output)
        key = f"{asking.key}~{len(usages)}"  # another call than the one that it repairs
        request = replace(request, messages=(*request.messages, *turns), key=key)


@dataclass(frozen=True, slots=True)
class _Call:
    """One call of the model behind a key. `is_last`: a wrong answer is not shown to the model again."""

    model: str
    request: Request
    read: Read
    is_repair: bool
    is_last: bool

    def format(self, reply: Reply, answer: Answer) -> str:
        """How the answer was held to its type."""
        if answer.problems:
            return "failed" if self.is_last else "invalid"
        if self.request.output is None:
            return "text"
        if self.is_repair:
            return "repaired"
        if answer.span is not None:
            return "extracted"
        return "parsed" if reply.enforced == "none" else reply.enforced


async def _made(call: _Call, asking: Asking, services: Services) -> tuple[Reply, Answer, str]:
    """Make one call, within the limits and the terms of the model, and tell observers."""
    path, models, request = asking.path, services.models, call.request
    backend, uses = models.get(call.model), models.uses(call.model)
    size, started = size_of(request), services.clock()
    _refuse_overflow(size, backend.capabilities, uses)
    most_out = request.max_tokens or models.most_tokens(call.model)
    need = Need(size.least, size.likely, most_out, models.price(call.model))
    late = partial(_tell_delay, path, uses, services)
    async with services.budgets.reserved(path, need) as hold:
        async with models.guard(call.model).call(size.likely + (most_out or 0), late) as booking:
            begun, hold.made = services.clock(), True
            reply = await _reply(backend, request, asking, services)
            usage = models.with_cost(call.model, reply.usage, services.clock() - begun)
            if usage.tokens_in is not None and usage.tokens_out is not None:
                booking.amount = usage.tokens_in + usage.tokens_out
        reply = replace(reply, usage=usage)
        answer = call.read(reply)
        how, seconds = call.format(reply, answer), services.clock() - started
        tokens = usage.tokens_in, usage.tokens_out
        services.tell(CallAnswered(path, uses, *tokens, usage.usd, seconds, how, usage.tokens_cached))
        hold.settle(usage)
    return reply, answer, how


def _refuse_overflow(size: Size, capabilities: Capabilities, uses: str) -> None:
    """Raise `ContextOverflow` for a prompt that is too long however it is counted; backends count the others."""
    holds = capabilities.context_tokens
    if holds is not None and size.least > holds:
        raise ContextOverflow(
            f"the prompt has at least {size.least:,} tokens, but the context of `{uses}` holds {holds:,}",
            hint="shorten what goes into the prompt, or bind a model with a longer context",
        )


def _tell_delay(path: str, uses: str, services: Services, reason: str) -> None:
    services.tell(CallDelayed(path, uses, reason))


async def _reply(backend: Backend, request: Request, asking: Asking, services: Services) -> Reply:
    if not (services.stream and asking.aloud):
        return await backend.generate(request)
    reply = None
    async for piece in backend.stream(request):
        if isinstance(piece, Reply):
            reply = piece
        else:
            services.tell(TextStreamed(asking.path, piece))
    if reply is None:
        raise InvalidAnswer("the backend's stream ended without a reply", hint="report this to the plugin's author")
    return reply
