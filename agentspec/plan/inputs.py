"""The inputs of an agent: complete and of the right type."""

from __future__ import annotations

from collections.abc import Mapping

from agentspec.api.errors import InvalidValue
from agentspec.api.messages import Json
from agentspec.api.schema import fill_absent
from agentspec.api.validate import problems_of
from agentspec.plan.model import Plan
from agentspec.spec.diagnostics import suggest


def complete(plan: Plan, given: Mapping[str, Json], *, partly: bool = False) -> dict[str, Json]:
    """Fill in defaults and check types. Raises `InvalidValue` naming every problem.

    With `partly`, inputs that are missing are no problem, and are left out.
    """
    problems = []
    known = {one.name for one in plan.inputs}
    for name in given.keys() - known:
        close = suggest(name, known)
        tail = f", did you mean `{close}`?" if close else f" (it takes {', '.join(sorted(known)) or 'no inputs'})"
        problems.append(f"`{plan.name}` takes no input `{name}`{tail}")
    values: dict[str, Json] = {}
    for one in plan.inputs:
        if one.name not in given and one.required:
            if not partly:
                problems.append(f"the input `{one.name}` is missing")
            continue
        values[one.name] = given.get(one.name, one.default)
        found = problems_of(values[one.name], one.schema)
        problems += [f"the input `{one.name}` does not fit: {text}" for text in found]
        values[one.name] = fill_absent(values[one.name], one.schema)
    if problems:
        raise InvalidValue("; ".join(problems), hint="give inputs as `-i NAME=VALUE`")
    return values
