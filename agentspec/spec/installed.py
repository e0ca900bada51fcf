"""All that the plugins on a machine bring, by what a spec calls it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agentspec.api.backend import BackendFactory
from agentspec.api.controller import ControllerFactory
from agentspec.api.tool import Toolset


@dataclass(frozen=True, slots=True)
class Installed:
    """Backends, toolsets and controllers.

    Attributes:
        backends: by the word before the slash of `<backend>/<model>`.
        toolsets: by what `use:` calls them, `<plugin>` or `<plugin>/<toolset>`.
        controllers: by `<plugin>/<name>`.
    """

    backends: Mapping[str, BackendFactory] = field(default_factory=dict)
    toolsets: Mapping[str, Toolset] = field(default_factory=dict)
    controllers: Mapping[str, ControllerFactory] = field(default_factory=dict)
