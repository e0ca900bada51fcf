"""Random nested plans, and steps whose answers are a function of where they stand."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from hypothesis import strategies as st

from agentspec.api.errors import EvaluationFailed
from agentspec.api.events import Failure
from agentspec.api.tool import Effect
from agentspec.kernel import StartStep
from agentspec.plan.model import Plan, PlanBlock, PlanNode
from agentspec.plan.work import AgentWork, ApproveWork, Compiled, Lookup, MachineWork, Work
from agentspec.spec.shapes import Retry

from .builder import LM, Draft, block, caller, loop, mapped, plan, switch, tool

KINDS: tuple[Any, ...] = ("timeout", "rate_limit", "unavailable", "invalid")


def mix(*parts: object) -> int:
    """A number that depends on all parts and is the same in every process."""
    return zlib.crc32(repr(parts).encode())


def befores(inner: PlanBlock) -> list[list[str]]:
    """Per node, the names of those that it waits for."""
    return [[other.id for other in inner.nodes if node.index in other.successors] for node in inner.nodes]


def value_of(path: str, lookup: Lookup, names: Sequence[str]) -> int:
    """What a step answers: it depends on its place and on all that it waits for."""
    return mix(path, [lookup(name) for name in names])


class Script:
    """Decides what each attempt of each step answers, whatever the order."""

    def __init__(self, seed: int, percent_failing: int) -> None:
        self.seed = seed
        self.percent_failing = percent_failing

    def failure(self, path: str, attempt: int) -> Failure | None:
        """The failure of this attempt, or None when it succeeds."""
        number = mix(self.seed, path, attempt)
        if number % 100 >= self.percent_failing:
            return None
        kind = (*KINDS, None)[number // 100 % 5]
        return Failure(path, "AS601", "no", kind=kind)

    def __call__(self, command: StartStep) -> Any:
        failure = self.failure(command.path, command.attempt)
        if failure is not None:
            return failure
        frame = command.lookup.__self__  # type: ignore[attr-defined]
        return value_of(command.path, command.lookup, befores(frame.block)[command.node.index])


def _decide(salt: int, names: Sequence[str], most: int, *, breaks: bool) -> Compiled:
    """An expression that gives 0..most-1 from what is in scope, and, if it may, sometimes breaks."""

    def run(lookup: Lookup) -> int:
        number = mix(salt, [lookup(name) for name in names])
        if breaks and number % 13 == 0:
            raise EvaluationFailed("no")
        return number // 13 % most

    return run


class Mix(NamedTuple):
    """What plans are made of; `breaks`: some expressions fail."""

    breaks: bool = True
    leaves: tuple[str, ...] = ("lm", "lm", "tool")
    controllers: tuple[str, ...] = ("switch", "map", "loop")
    timeout_s: float = 5.0


EVERYTHING = Mix(
    leaves=("lm", "lm", "tool", "approve"),
    controllers=("switch", "map", "loop", "machine", "agent", "caller"),
    timeout_s=1e6,
)


@st.composite
def _works(draw: st.DrawFn, names: Sequence[str], depth: int, what: Mix) -> Work:
    breaks = what.breaks
    kind = draw(st.sampled_from(what.leaves + (what.controllers if depth else ())))
    salt = draw(st.integers(0, 999))
    if kind == "lm":
        return LM
    if kind == "tool":
        return tool(draw(st.sampled_from(list(Effect))), idempotent=draw(st.booleans()))
    if kind == "approve":
        return ApproveWork(lambda lookup: {"said": [lookup(name) for name in names]}, ("yes", "no"))
    if kind == "switch":
        cases = [draw(_blocks(depth - 1, what, label)) for label in "ab"]
        default = draw(st.none() | _blocks(depth - 1, what, "default"))
        choose = _decide(salt, names, 3, breaks=breaks)
        return switch(lambda lookup: "abc"[choose(lookup)], *cases, default=default)
    if kind == "caller":
        return caller(*(draw(_blocks(depth - 1, what, label)) for label in "pq"))
    inner = draw(_blocks(depth - 1, what))
    if kind == "agent":
        return AgentWork(plan(inner), lambda lookup: {})
    if kind == "machine":
        ends = [_decide(draw(st.integers(0, 999)), ["loop"], len(inner.nodes) + 1, breaks=breaks) for _ in inner.nodes]
        alone = dataclasses.replace(inner, waits=(0,) * len(inner.nodes), nodes=tuple(map(_free, inner.nodes)))
        return MachineWork(0, draw(st.integers(1, 5)), alone, tuple(_ways(end, len(inner.nodes)) for end in ends))
    if kind == "map":
        count = _decide(salt, names, 5, breaks=breaks)
        concurrency, keep_going = draw(st.integers(1, 4)), draw(st.booleans())
        return mapped(lambda lookup: list(range(count(lookup))), inner, concurrency, keep_going=keep_going)
    most = draw(st.integers(1, 4))
    mode = draw(st.sampled_from(["until", "while", "max"]))
    if mode == "until":
        end = _decide(salt, [node.id for node in inner.nodes], 3, breaks=breaks)
        return loop(inner, most, until=lambda lookup: end(lookup) == 0)
    if mode == "while":
        on = _decide(salt, ["loop", "previous"], 4, breaks=breaks)
        return loop(inner, most, again=lambda lookup: on(lookup) > 0)
    return loop(inner, most)


def _free(node: PlanNode) -> PlanNode:
    """A state of a machine waits for no other."""
    return dataclasses.replace(node, needs=(), successors=())


def _ways(choose: Compiled, count: int) -> tuple[tuple[Compiled | None, int | None], ...]:
    """Go on with the state that `choose` gives; one more than there are is the end."""
    return (*((lambda lookup, at=at: choose(lookup) == at, at) for at in range(count)), (None, None))


@st.composite
def _blocks(draw: st.DrawFn, depth: int, what: Mix, label: str = "") -> PlanBlock:
    single = bool(label) and draw(st.booleans())
    count = 1 if single else draw(st.integers(1, 6 if depth > 1 else 3))
    drafts: list[Draft] = []
    for index in range(count):
        earlier = [draft.id for draft in drafts]
        waits = draw(st.lists(st.sampled_from(earlier), unique=True, max_size=3)) if earlier else []
        needs = [name for name in waits if draw(st.booleans())]
        when = (
            _decide(draw(st.integers(0, 999)), waits, 4, breaks=what.breaks) if draw(st.integers(0, 3)) == 0 else None
        )
        drafts.append(
            Draft(
                id=f"{label or 'n'}{depth}{index}",
                work=draw(_works(waits, depth, what)),
                after=waits,
                needs=needs,
                when=when,
                retry=Retry.model_validate(
                    {"times": draw(st.integers(0, 2)), "wait": draw(st.sampled_from(["0s", "1s"]))}
                ),
                timeout_s=draw(st.sampled_from([None, None, what.timeout_s])),
                on_error=draw(st.sampled_from(["fail", "fail", "skip", "value"])),
                fallback=-1,
            )
        )
    return block(*drafts, label=label, single=single)


def plans(depth: int = 2, *, breaks: bool = True, what: Mix | None = None) -> st.SearchStrategy[Plan]:
    """Plans with controllers up to `depth` deep; with `breaks`, some expressions fail."""
    return _blocks(depth, what or Mix(breaks)).map(plan)
