"""A plugin whose hook fails."""

from __future__ import annotations

from agentspec.api import Toolset, hookimpl


@hookimpl
def agentspec_register_tools() -> list[Toolset]:
    raise RuntimeError("not today")
