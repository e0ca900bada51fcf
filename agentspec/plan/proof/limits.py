"""Bounds held against `limits:`, and approvals that would be asked without end."""

from __future__ import annotations

from collections.abc import Iterator

from agentspec.plan.model import Plan, PlanBlock, PlanNode
from agentspec.plan.proof.bounds import bounds_of
from agentspec.plan.proof.visits import length_of
from agentspec.plan.work import AgentWork, ApproveWork, MapWork, inner_blocks
from agentspec.spec.diagnostics import Diagnostic, Note, Severity
from agentspec.spec.report import Reporter

_WORDS = {"lm_calls": "LM calls", "steps": "steps", "tokens": "tokens", "usd": "USD"}


def check_limits(plan: Plan, reporter: Reporter) -> None:
    """Report limits that a run may, or must, go beyond. A worst case that is not known is no reason."""
    limits = {name: limit for name in _WORDS if (limit := getattr(plan.limits, name)) is not None}
    total = bounds_of(plan).total if limits else None
    for name, limit in limits.items():
        used, where = getattr(total, name), ("limits", name)
        if used.least > limit:
            text = f"every run needs at least {used.least:g} {_WORDS[name]}, the limit is {limit:g}"
            reporter.report("AS411", text, where, "raise the limit, or do less")
        elif used.worst.known is not None and used.worst.known > limit:
            text = f"a run may need up to {used.worst} {_WORDS[name]}, the limit is {limit:g}: it may stop there"
            reporter.report("AS410", text, where, "raise the limit, or bound the nodes", severity=Severity.WARNING)


def endless_questions(plan: Plan) -> Iterator[Diagnostic]:
    """Approvals inside maps of which nobody knows how many items they have."""
    yield from _questions(plan.block, None)


def _questions(block: PlanBlock, around: PlanNode | None) -> Iterator[Diagnostic]:
    for node in block.nodes:
        work = node.work
        if isinstance(work, ApproveWork) and around is not None and isinstance(around.work, MapWork):
            reason = length_of(around, around.work, None).worst.unknowns[0].reason
            text = f"a person may be asked `{node.id}` any number of times: {reason}"
            hint = f"take a part of the list, `over: {around.work.written}[:20]`, or ask once, after the map"
            elsewhere = None if around.origin is node.origin else around.origin
            notes = (Note(around.span, "for each item of this map", elsewhere),)
            yield Diagnostic("AS412", text, node.origin, node.span, hint, notes, Severity.WARNING)
        endless = isinstance(work, MapWork) and length_of(node, work, None).worst.known is None
        for _, inner in [] if isinstance(work, AgentWork) and around is None else inner_blocks(work):
            yield from _questions(inner, node if endless else around)
