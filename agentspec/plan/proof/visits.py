"""How often the parts of a node run: items, rounds, calls, tries."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from math import ceil

from agentspec.api.errors import EvaluationFailed
from agentspec.api.messages import Json, Schema
from agentspec.api.schema import admits_null
from agentspec.api.tool import Effect
from agentspec.plan.model import PlanBlock, PlanNode, Use
from agentspec.plan.proof.amounts import ONCE, Range, Unknown, between, exactly, unknown
from agentspec.plan.typing.kinds import kind, options
from agentspec.plan.work import AgencyWork, Caller, Compiled, FreeWork, LmWork, LoopWork, MapWork, SwitchWork, ToolWork

CALLS_PER_TURN = 32
"""Tools that a model may call in one turn; more are refused, and the model is told so."""

_SLICED = re.compile(r"[A-Za-z][\w.]*\[:\s*(\d{1,9})\s*\]")
_LONGEST_NAME = 40
_TEXTS = frozenset({"system", "prompt", "messages"})

Inputs = Mapping[str, Json] | None
"""The inputs whose values are known."""


def length_of(node: PlanNode, work: MapWork, inputs: Inputs) -> Range:
    """How many items a map has."""
    items = _evaluated(work.over, [use for use in node.uses if use.field == ("over",)], inputs)
    if isinstance(items, list):
        return exactly(len(items))
    text = work.written.strip().removeprefix("${{").removesuffix("}}").strip()
    least, most = _items(work.items)
    sliced = _SLICED.fullmatch(text)
    if sliced:
        least, most = min(least, int(sliced[1])), min(int(sliced[1]), most or int(sliced[1]))
    if most is not None:
        return between(least, (least + most) / 2, most)
    shown = text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + "…"
    one = unknown(Unknown(f"n({shown})", f"the length of `{shown}` is not known", node.origin, node.span))
    return Range(least, one.expected, one.worst)


def bytes_of(node: PlanNode, work: LmWork, inputs: Inputs) -> int | None:
    """The most bytes of all messages; when they are made of known inputs alone, the exact number."""
    if work.most_bytes is not None:
        return work.most_bytes
    uses = [use for use in node.uses if use.field[0] in _TEXTS]
    found = [_evaluated(text, uses, inputs) for _, text in work.messages]
    return None if None in found else sum(len(str(text).encode(errors="replace")) for text in found)


def _evaluated(compiled: Compiled, uses: Collection[Use], inputs: Inputs) -> Json:
    """The value of an expression that uses nothing but known inputs, else None."""
    known = inputs or {}
    if any(len(use.path) < 2 or use.path[0] != "inputs" or use.path[1] not in known for use in uses):
        return None
    try:
        return compiled({"inputs": known}.__getitem__)
    except (EvaluationFailed, KeyError):
        return None


def _items(schema: Schema) -> tuple[int, int | None]:
    lists = [option for option in options(schema) if kind(option) == "array"]
    if len(lists) != 1:
        return 0, None
    most = lists[0].get("maxItems")
    return int(lists[0].get("minItems", 0)), None if most is None else int(most)


def takes_one(node: PlanNode, work: SwitchWork) -> bool:
    """Tell whether a switch surely takes a case: then its value is not null, unless that of a case may be."""
    return work.default is not None or not admits_null(node.value)


def rounds_of(work: LoopWork) -> Range:
    """How many rounds a loop has."""
    if work.again is not None:
        return between(0, work.most / 2, work.most)
    return exactly(work.most) if work.until is None else between(1, (1 + work.most) / 2, work.most)


def calls_of(node: PlanNode, work: Caller, callee: str) -> Range:
    """How often a caller may call one of its blocks, or all those together of which it chooses one each time."""
    if isinstance(work, FreeWork):
        most = work.max_calls
        if most is not None:
            return between(0, most / 2, most)
        reason = f"`{node.id}` calls its nodes as often as it likes: it has no `max_calls`"
        return unknown(Unknown(f"calls({node.id})", reason, node.origin, node.span))
    if isinstance(work, AgencyWork):
        turns, half = work.max_turns, ceil(work.max_turns / 2)
        return between(1, half, turns) if callee == "lm" else between(0, half - 1, CALLS_PER_TURN * (turns - 1))
    drafts = work.replan + 1
    return between(1, 1, drafts) if callee in ("lm", "approve") else between(1, (1 + work.most) / 2, work.most * drafts)


def tries_of(node: PlanNode) -> Range:
    """How often a node is tried. What changes the world is tried once, unless repeating it does no harm."""
    work = node.work
    if isinstance(work, ToolWork) and work.tool.effect is not Effect.READ and not work.tool.idempotent:
        return ONCE
    return between(1, 1, 1 + node.retry.times) if node.retry.times else ONCE


def chances(block: PlanBlock) -> list[Range]:
    """Per node, how often it runs in one visit of its block: at most once."""
    found: list[Range] = []
    for node in block.nodes:
        sure = node.when is None and node.on_error == "fail" and not node.cache
        likely = 1.0 if node.when is None else 0.5
        for index in node.needs:
            sure = sure and bool(found[index].least)
            likely = min(likely, found[index].expected.fixed)
        found.append(ONCE if sure and likely == 1 else between(int(sure), likely, 1))
    return found
