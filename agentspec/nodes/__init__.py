"""How LM and tool nodes run; controllers are rules of the kernel."""

from agentspec.nodes.execute import Executor
from agentspec.nodes.services import Budget, Services, ToolBelt

__all__ = ["Budget", "Executor", "Services", "ToolBelt"]
