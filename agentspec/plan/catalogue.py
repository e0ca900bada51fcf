"""What the checker asks about plugins; `agentspec.registry` answers."""

from __future__ import annotations

from typing import Protocol

from agentspec.api.backend import BackendFactory
from agentspec.api.controller import ControllerFactory
from agentspec.api.tool import Toolset


class Catalogue(Protocol):
    """Finds what specs name. Raises `PluginMissing` or `PluginBroken`."""

    def backend(self, use: str) -> BackendFactory:
        """The backend behind `<backend>/<model>`."""
        ...

    def toolset(self, use: str) -> Toolset:
        """The toolset behind `<plugin>` or `<plugin>/<toolset>`."""
        ...

    def version(self, use: str) -> str:
        """Name and version of the distribution that a plugin comes with; empty when it is not known."""
        ...

    def controller(self, use: str) -> ControllerFactory:
        """The controller behind `<plugin>/<name>`."""
        ...
