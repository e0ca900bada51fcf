"""The hooks that a plugin may implement.

A plugin is a module (or object) named by an entry point of the group `agentspec`. The entry point's name is
the plugin's namespace: the word that a spec writes before the slash (`pocket/triage`) or alone (`mail`).
"""

from __future__ import annotations

from collections.abc import Sequence

import pluggy

from agentspec.api.backend import BackendFactory
from agentspec.api.controller import ControllerFactory
from agentspec.api.tool import Toolset

ENTRY_POINT_GROUP = "agentspec"

hookspec = pluggy.HookspecMarker("agentspec")
hookimpl = pluggy.HookimplMarker("agentspec")


@hookspec
def agentspec_register_backends() -> Sequence[BackendFactory]:  # type: ignore[empty-body]
    """Return the backends of this plugin. Called once, when a spec names the plugin's namespace."""


@hookspec
def agentspec_register_tools() -> Sequence[Toolset]:  # type: ignore[empty-body]
    """Return the toolsets of this plugin. Called once, when a spec names the plugin's namespace."""


@hookspec
def agentspec_register_controllers() -> Sequence[ControllerFactory]:  # type: ignore[empty-body]
    """Return the controllers of this plugin. Called once, when a spec names the plugin's namespace."""
