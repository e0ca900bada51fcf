"""Tools are called as the runtime calls them: through the toolset, with plain data in and out."""

import asyncio
from pathlib import Path
from typing import Any

from agentspec.api import ToolContext, Toolset

SAMPLES = Path(__file__).resolve().parents[3] / "agents" / "inbox" / "samples"


def call(toolset: Toolset, tool: str, context: ToolContext, **arguments: Any) -> Any:
    """Call a tool and wait for its result."""
    return asyncio.run(toolset.tools[tool].call(arguments, context))
