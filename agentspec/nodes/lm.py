"""One LM step: ask, hold the answer to its type, show the model its mistake once or so."""

from __future__ import annotations

from dataclasses import replace

from agentspec.api.backend import Backend
from agentspec.api.errors import InvalidAnswer
from agentspec.api.events import CallAnswered, Meta, TextStreamed
from agentspec.api.messages import Json, Message, Reply, Request, Usage
from agentspec.kernel.commands import StartStep
from agentspec.models.answers import read_answer, repair_messages
from agentspec.models.confidence import confidence
from agentspec.nodes.services import Services
from agentspec.plan.model import LmWork, Lookup


def request_of(work: LmWork, lookup: Lookup, key: str = "") -> Request:
    """What an LM node asks, with its texts filled in. Raises `EvaluationFailed`."""
    settings = work.settings
    return Request(
        messages=tuple(Message(role, text(lookup)) for role, text in work.messages),
        output=work.output,
        temperature=settings.temperature,
        max_tokens=settings.max_tokens,
        stop=settings.stop,
        seed=settings.seed,
        key=key,
    )


async def ask(command: StartStep, work: LmWork, services: Services) -> tuple[Json, Meta]:
    """Run an LM step. Raises `BackendError`, `LimitReached`, `EvaluationFailed`."""
    started = services.clock()
    request = request_of(work, command.lookup, key=f"{services.run}/{command.path}")
    backend = services.models.get(work.model)
    usages: list[Usage] = []
    while True:
        reply = await _call(backend, request, command.path, work, services)
        usages.append(reply.usage)
        answer = read_answer(reply, work.output)
        if not answer.problems:
            break
        if len(usages) > work.repair or work.output is None:
            raise InvalidAnswer(
                f"`{services.models.uses(work.model)}` gave no answer that fits: {'; '.join(answer.problems[:3])}",
                hint="simplify `output:`, raise `repair:`, or bind a larger model",
            )
        turns = repair_messages(reply, answer.problems, work.output)
        key = f"{services.run}/{command.path}~{len(usages)}"  # another call than the one that it repairs
        request = replace(request, messages=(*request.messages, *turns), key=key)
    sure = confidence(reply.logprobs, structured=work.output is not None)
    how = "repaired" if len(usages) > 1 else reply.enforced if work.output is not None else "text"
    seconds = services.clock() - started
    return answer.value, _meta(usages, sure, services.models.uses(work.model), how, command.attempt, seconds)


async def _call(backend: Backend, request: Request, path: str, work: LmWork, services: Services) -> Reply:
    """One call, within the limits and told to observers."""
    services.budget.before_call()
    started = services.clock()
    reply = await _reply(backend, request, path, services)
    usage, seconds = reply.usage, services.clock() - started
    model = services.models.uses(work.model)
    services.tell(CallAnswered(path, model, usage.tokens_in, usage.tokens_out, usage.usd, seconds))
    services.budget.after_call(usage)
    return reply


async def _reply(backend: Backend, request: Request, path: str, services: Services) -> Reply:
    if not services.stream:
        return await backend.generate(request)
    reply = None
    async for piece in backend.stream(request):
        if isinstance(piece, Reply):
            reply = piece
        else:
            services.tell(TextStreamed(path, piece))
    if reply is None:
        raise InvalidAnswer("the backend's stream ended without a reply", hint="report this to the plugin's author")
    return reply


def _meta(usages: list[Usage], sure: float | None, model: str, how: str, attempt: int, seconds: float) -> Meta:
    costs = [usage.usd for usage in usages]
    return Meta(
        confidence=sure,
        model=model,
        usd=None if None in costs else sum(cost for cost in costs if cost is not None),
        tokens_in=sum(usage.tokens_in or 0 for usage in usages),
        tokens_out=sum(usage.tokens_out or 0 for usage in usages),
        calls=len(usages),
        attempts=attempt,
        seconds=seconds,
        format=how,
    )
