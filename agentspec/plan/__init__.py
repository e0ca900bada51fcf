"""Spec -> Plan.

compile      the whole walk                 texts, infer, fits, scope   expressions and their types
blocks       nodes of a block, in order     reads, graph                data edges and their order
nodes        LM and tool nodes              bindings, composites        inputs, models, tools
controllers  switch, map, loop              machines, coroutines        the other controllers
agents       other spec files               offers                      what models may call
cases        `tests:`                       grounding, grounded_words   quotes, dates and numbers from a text
model, work  what comes out: the Plan       paths, names                what steps are called
inputs       given, against the declared    steps, plan_check           plans that a model wrote
catalogue    what is asked about plugins

draw     plans as pictures
proof    what is known of a plan before it runs
typing   the types of expressions
"""

from agentspec.plan.compile import Checked, check, compile_spec
from agentspec.plan.model import Plan

__all__ = ["Checked", "Plan", "check", "compile_spec"]
