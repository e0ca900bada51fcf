"""`tests:` of a spec, as far as they can be checked without running anything."""

from __future__ import annotations

from agentspec.api.messages import Schema
from agentspec.api.validate import problems_of
from agentspec.plan.bindings import Bindings
from agentspec.plan.scope import Scope
from agentspec.plan.texts import Text, Texts
from agentspec.spec.model import Spec
from agentspec.spec.source import Where


def check_cases(spec: Spec, bindings: Bindings, result: Schema, texts: Texts) -> None:
    """Report inputs that the agent does not take, and expectations that can never be asked."""
    inputs = {one.name: one for one in bindings.inputs}
    seen = Scope(bindings.scope_of_nodes, variables={"result": result})
    for number, case in enumerate(spec.fields.tests):
        for name, value in case.inputs.items():
            where: Where = ("tests", number, "inputs", name)
            if name not in inputs:
                text = f"`{spec.fields.name}` takes no input `{name}`"
                texts.report_unknown("AS302", text, name, inputs, where, key=True)
            else:
                for problem in problems_of(value, inputs[name].schema):
                    texts.report("AS308", f"the input `{name}` does not fit: {problem}", where)
        written = case.expect if isinstance(case.expect, list) else [case.expect]
        for place, expectation in enumerate(written):
            where = ("tests", number, "expect")
            raw = expectation if isinstance(expectation, str) else str(expectation).lower()
            texts.compiled(Text(raw, (*where, place) if isinstance(case.expect, list) else where, bare=True), seen)
