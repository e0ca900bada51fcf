"""Spec -> Plan.

compile      the whole walk                 texts, infer, fits, scope   expressions and their types
blocks       nodes of a block, in order     bindings                    inputs, models, tools
nodes        LM and tool nodes              reads, graph                data edges and their order
controllers  switch, map, loop              model                       what comes out: the frozen Plan
"""

from agentspec.plan.compile import Checked, check, compile_spec
from agentspec.plan.model import Plan

__all__ = ["Checked", "Plan", "check", "compile_spec"]
