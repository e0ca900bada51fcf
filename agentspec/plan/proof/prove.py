"""Everything that is proven of a checked plan, as problems at their places."""

from __future__ import annotations

from agentspec.plan.bindings import Bindings
from agentspec.plan.model import Plan
from agentspec.plan.proof.effects import review
from agentspec.plan.proof.limits import check_limits, endless_questions
from agentspec.spec.diagnostics import Severity
from agentspec.spec.model import Spec
from agentspec.spec.source import Where


def prove(plan: Plan, spec: Spec, bindings: Bindings) -> None:
    """Report what a plan may use beyond its limits, and what it may write without a review."""
    texts = bindings.texts
    check_limits(plan, texts)
    reviewed = review(plan)
    found = [*endless_questions(plan), *reviewed.problems]
    texts.problems += [one for one in found if one not in texts.problems]  # a called agent's own are there already
    written = spec.fields.allow_unreviewed
    for number, word in enumerate([written] if isinstance(written, str) else written):
        where: Where = ("allow_unreviewed",) if isinstance(written, str) else ("allow_unreviewed", number)
        known = bindings.find_tools(word, where)
        if word.endswith(".*"):
            texts.report("AS305", f"`{word}` is no single tool", where, "name each tool that may write")
        elif known and word not in reviewed.allowed:
            text = f"nothing calls `{word}` in a way that needs to be allowed"
            texts.report("AS415", text, where, "remove it", severity=Severity.WARNING)
