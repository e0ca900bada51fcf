"""How steps run: LM and tool nodes, and controllers that wait for something. The others are rules of the kernel.

execute   one step, whatever its kind         services         what all of them share
lm        one answer, or one of several       exchange         one model, asked until its answer fits
sampling  several answers, one is picked      composites       models that are made of others
agency    a model that calls tools            turn             one of its turns
planning  plans that a model writes           free             controllers in Python
approve   a person's choice                   budget, budgets  what is left of the limits
cache     results kept from run to run
"""

from agentspec.nodes.budgets import Budgets
from agentspec.nodes.execute import Executor
from agentspec.nodes.services import Services, ToolBelt

__all__ = ["Budgets", "Executor", "Services", "ToolBelt"]
