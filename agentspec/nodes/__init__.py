"""How LM and tool nodes run; controllers are rules of the kernel."""

from agentspec.nodes.budget import Budgets
from agentspec.nodes.execute import Executor
from agentspec.nodes.services import Services, ToolBelt

__all__ = ["Budgets", "Executor", "Services", "ToolBelt"]
