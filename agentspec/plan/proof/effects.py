"""Writes that nobody reviews: what changes the world, and gets text from outside without a person in between.

A call is *guarded* by an approval when a condition decides by the person's choice whether the call is made at all:
`when`, the cases of a switch, or the ways of a machine, at the node or around it. A guard reviews the texts that
the person is shown, and all that they are made of.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from agentspec.api.tool import Effect
from agentspec.plan.model import Plan, PlanBlock, PlanNode
from agentspec.plan.names import letter_and_name
from agentspec.plan.proof.flows import Flows
from agentspec.plan.proof.values import Site, Value
from agentspec.plan.work import AgencyWork, AgentWork, LmWork, PlanningWork, ToolWork, inner_blocks
from agentspec.spec.diagnostics import Diagnostic, Note, Severity

_MOST_NOTES = 4

_ENOUGH = 200
"""Values that are looked at for one call; without an end, thousands of calls at the end of a long chain take long."""

_FLOW = "let a person `approve` it in between, or name the tool under `allow_unreviewed`"
_AGENCY = "call it in a node behind an `approve` instead, or name it under `allow_unreviewed`"


@dataclass(frozen=True, slots=True)
class Write:
    """A call that changes something, as those who call the agent that it stands in see it.

    Attributes:
        tool: as the spec of that agent says it.
        inputs: inputs of the agent whose text reaches the call, and that nobody reviews there.
        guarded: whether an approval in that agent decides about it.
    """

    tool: str
    effect: Effect
    node: PlanNode
    inputs: frozenset[str]
    guarded: bool


@dataclass(frozen=True, slots=True)
class Review:
    """What came of looking at one agent.

    Attributes:
        allowed: entries of `allow_unreviewed` that allow something.
        brings, shows: see `Flows`.
    """

    problems: tuple[Diagnostic, ...] = ()
    writes: tuple[Write, ...] = ()
    allowed: frozenset[str] = frozenset()
    brings: bool = True
    shows: frozenset[str] | None = None


def review(plan: Plan) -> Review:
    """Look at an agent, and at those that it calls as far as they concern it."""
    return _review(plan, {})


def _review(plan: Plan, known: dict[int, Review]) -> Review:
    for inner in _called(plan.block):
        if id(inner) not in known:
            known[id(inner)] = _review(inner, known)
    flows = Flows(plan, {key: (one.brings, one.shows) for key, one in known.items()})
    every = frozenset(one.name for one in plan.inputs)
    problems: list[Diagnostic] = []
    writes: list[Write] = []
    allowed: set[str] = set()
    for site in flows.sites:
        for write in _writes(site, known):
            seen, guarded = _seen(site)
            texts = [text for name in write.inputs or () for text in site.given.get(name, ())]
            if write.node is site.node:
                texts = [text for given in site.given.values() for text in given]
            trails = _Trails(texts, seen, site.node, _ENOUGH)
            inputs = trails.inputs if trails.whole else every
            problem = _problem(site, write, trails, guarded)
            if write.node is site.node and write.tool in plan.allow_unreviewed:
                allowed |= {write.tool} if problem or inputs or not guarded else set()
                continue
            if problem is not None:
                problems.append(problem)
            writes.append(Write(write.tool, write.effect, write.node, inputs, guarded or write.guarded))
    sources = _Trails(flows.result.texts)
    shown = [text for choice in flows.result.choices for text in choice.shown]
    shows = _Trails(shown).inputs if flows.result.choices else None
    return Review(tuple(problems), tuple(writes), frozenset(allowed), sources.origin is not None, shows)


def _writes(site: Site, known: dict[int, Review]) -> Iterator[Write]:
    """The calls that happen at a site: its own, or those inside the agent that it calls."""
    work = site.work
    if isinstance(work, AgentWork):
        yield from known[id(work.plan)].writes
    else:
        name = f"{work.toolset.rpartition('#')[2]}.{work.tool.name}"
        yield Write(name, work.tool.effect, site.node, frozenset(), guarded=False)


def _called(block: PlanBlock) -> Iterator[Plan]:
    for node in block.nodes:
        if isinstance(node.work, AgentWork):
            yield node.work.plan
        else:
            for _, inner in inner_blocks(node.work):
                yield from _called(inner)


def _seen(site: Site) -> tuple[frozenset[Value], bool]:
    """The values that persons see before the call is made, and whether a person decides about it.

    Where one of several approvals decided, only what all of them show counts.
    """
    seen: set[Value] = set()
    guards = [decision.approvals for decision in site.decisions if decision.approvals]
    for approvals in guards:
        seen |= set.intersection(*(set(_Trails(asked.shown).values) for asked in approvals))
    return frozenset(seen), bool(guards)


class _Trails:
    """All that some values are made of, as far as nobody has seen it.

    Attributes:
        values: they, the nearest first.
        inputs: the inputs of the agent among them.
        whole: whether they are all; not after `enough` of them, once there is an origin.
        origin: the farthest of them where text from outside comes in, or None.
    """

    def __init__(
        self,
        values: Iterable[Value],
        seen: frozenset[Value] = frozenset(),
        end: PlanNode | None = None,
        enough: int | None = None,
    ) -> None:
        self._next: dict[Value, Value | None] = {value: None for value in values if value not in seen}
        waiting, found = deque(self._next), False
        while waiting and not (found and enough and len(self._next) > enough):
            value = waiting.popleft()
            found = found or value.source
            for other in value.made_of:
                if other not in self._next and other not in seen:
                    self._next[other] = value
                    waiting.append(other)
        self.whole = not waiting
        self.values = list(self._next)
        self.inputs = frozenset(value.input for value in self.values if value.input)
        sources = [value for value in reversed(self.values) if value.source]
        # What goes round in a circle has a beginning elsewhere, as a rule.
        self.origin = next((value for value in sources if value.node is not end), sources[0] if sources else None)

    def trail(self) -> list[Value]:
        """The way of the text, from its origin on."""
        found, value = [], self.origin
        while value is not None:
            found.append(value)
            value = self._next[value]
        return found


def _problem(site: Site, write: Write, trails: _Trails, guarded: bool) -> Diagnostic | None:
    inside = write.node is not site.node
    end = site.label if not inside else f"{site.label} -> {write.tool}"
    what = f"`{write.tool}`" + (f" of the agent `{_name(site)}`" if inside else "")
    if site.model is not None and (not (guarded or write.guarded) or trails.origin is not None):
        trail = [site.model] if trails.origin is None else trails.trail()
        text = f"a model may call {what} ({write.effect}), and nobody reviews it: {_path(trail, end)}"
        return _diagnostic("AS414", Severity.ERROR, text, _AGENCY, site, write, trail)
    if trails.origin is not None:
        trail = trails.trail()
        text = f"{what} ({write.effect}) gets text that nobody reviews: {_path(trail, end)}"
        return _diagnostic("AS413", Severity.WARNING, text, _FLOW, site, write, trail)
    if guarded or write.guarded:
        return None
    for decision in site.decisions:
        reasons = _Trails(decision.texts, enough=_ENOUGH)
        if reasons.origin is not None:
            trail = reasons.trail()
            path = _path(trail, end if decision.label == site.label else f"{decision.label} -> {end}")
            text = f"text that nobody reviews decides whether {what} ({write.effect}) is called: {path}"
            return _diagnostic("AS413", Severity.WARNING, text, _FLOW, site, write, trail)
    return None


def _diagnostic(
    code: str, severity: Severity, text: str, label: str, site: Site, write: Write, trail: Sequence[Value]
) -> Diagnostic:
    node = site.node
    places = [one.node for one in trail if one.node is not None and one.node.span != node.span]
    notes = [
        _note(place, node, "text from outside comes in here" if not at else "and goes on here")
        for at, place in enumerate(places[:_MOST_NOTES])
    ]
    if write.node is not node:
        notes.append(_note(write.node, node, f"`{write.tool}` is called here"))
    return Diagnostic(code, text, node.origin, node.span, label, tuple(notes), severity)


def _note(place: PlanNode, node: PlanNode, text: str) -> Note:
    return Note(place.span, text, None if place.origin is node.origin else place.origin)


def _path(trail: Iterable[Value], end: str) -> str:
    words = [_words(value) for value in trail]
    return " -> ".join(word for word, _ in groupby([*words, end]))


def _words(value: Value) -> str:
    node = value.node
    if node is None:
        return value.label
    if isinstance(node.work, LmWork | AgencyWork | PlanningWork):
        return f"{value.label} (LM)"
    return f"{value.label} ({letter_and_name(node.work)[1]})" if isinstance(node.work, ToolWork) else value.label


def _name(site: Site) -> str:
    assert isinstance(site.work, AgentWork)
    return site.work.plan.name
