"""Plans by hand: what `agentspec.plan` compiles from a spec, without a spec."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentspec.api.errors import EvaluationFailed
from agentspec.api.tool import Effect, Tool
from agentspec.plan.model import Plan, PlanBlock, PlanNode
from agentspec.plan.work import Compiled, FreeWork, LmWork, LoopWork, MapWork, Settings, SwitchWork, ToolWork, Work
from agentspec.spec.shapes import Limits, Retry
from agentspec.spec.source import Source, Span

SOURCE = Source("by hand", "")
SPAN = Span(1, 1, 1, 1)
TWICE = Retry.model_validate({"times": 2, "wait": "1s", "backoff": 3})
LM = LmWork("m", (), None, 0, Settings())


@dataclass
class Draft:
    """A node before it has an index. `after` are waited for; `needs` are waited for and must not be skipped."""

    id: str
    work: Work = LM
    after: Sequence[str] = ()
    needs: Sequence[str] = ()
    when: Compiled | None = None
    retry: Retry = field(default_factory=lambda: Retry(times=0))
    timeout_s: float | None = None
    on_error: Any = "fail"
    fallback: Any = None


def block(*drafts: Draft, label: str = "", result: Compiled | None = None, single: bool = False) -> PlanBlock:
    """A block of nodes, which stand behind those that they wait for. Its value is by default all values."""
    place = {draft.id: index for index, draft in enumerate(drafts)}
    before = [sorted({place[name] for name in (*draft.after, *draft.needs)}) for draft in drafts]
    after: list[list[int]] = [[] for _ in drafts]
    for index, befores in enumerate(before):
        for other in befores:
            after[other].append(index)
    nodes = tuple(
        PlanNode(
            index=index,
            id=draft.id,
            kind=kind_of(draft.work),
            work=draft.work,
            needs=tuple(sorted(place[name] for name in draft.needs)),
            successors=tuple(after[index]),
            when=draft.when,
            retry=draft.retry,
            timeout_s=draft.timeout_s,
            on_error=draft.on_error,
            fallback=draft.fallback,
            origin=SOURCE,
            span=SPAN,
        )
        for index, draft in enumerate(drafts)
    )
    waits = tuple(len(befores) for befores in before)
    starts = tuple(index for index, count in enumerate(waits) if not count)
    names = [draft.id for draft in drafts]
    all_values: Compiled = lambda lookup: {name: lookup(name) for name in names}  # noqa: E731
    return PlanBlock(label, nodes, waits, starts, result or all_values, {}, single)


def plan(root: PlanBlock, limits: Limits | None = None) -> Plan:
    return Plan("by_hand", "", Path(), SOURCE, (), {}, {}, limits or Limits(), root)


def kind_of(work: Work) -> Any:
    return "lm" if isinstance(work, LmWork) else "tool" if isinstance(work, ToolWork) else "controller"


def tool(effect: Effect = Effect.READ, *, idempotent: bool = False) -> ToolWork:
    async def call(arguments: Any, context: Any) -> Any:
        raise AssertionError("nobody calls it")

    return ToolWork("tools", Tool("t", "", {}, {}, effect, idempotent, call), lambda lookup: {})


def switch(on: Compiled, *blocks: PlanBlock, default: PlanBlock | None = None) -> SwitchWork:
    return SwitchWork(on, (), blocks, default)


def mapped(over: Compiled, inner: PlanBlock, concurrency: int = 8, *, keep_going: bool = False) -> MapWork:
    return MapWork(over, "item", concurrency, keep_going, inner)


def loop(inner: PlanBlock, most: int, until: Compiled | None = None, again: Compiled | None = None) -> LoopWork:
    return LoopWork(until, again, most, inner)


def caller(*blocks: PlanBlock) -> FreeWork:
    """A controller in Python; whoever plays it calls the blocks by their labels."""

    async def call(arguments: Any, context: Any) -> Any:
        raise AssertionError("nobody calls it")

    return FreeWork("code", "", call, lambda lookup: {}, {one.label: one for one in blocks})


def always(value: Any) -> Callable[[Any], Any]:
    return lambda lookup: value


def broken(lookup: Any) -> Any:
    """An expression that cannot be evaluated."""
    raise EvaluationFailed("`x` is null")
