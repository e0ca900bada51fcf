"""The typed facade over pluggy: which plugin has what a spec names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from agentspec.api import hookspecs
from agentspec.api.backend import BackendFactory
from agentspec.api.controller import ControllerFactory
from agentspec.api.errors import PluginBroken, PluginMissing
from agentspec.api.tool import Toolset
from agentspec.spec.diagnostics import did_you_mean, suggest
from agentspec.spec.installed import Installed

_FIRST_PARTY = {
    "pocket": "pocket",
    "ollama": "ollama",
    "litellm": "litellm",
    "mail": "office",
    "calendar": "office",
}
"""Namespaces of our own plugins, and the extra of the core that installs each."""


class Registry:
    """Finds plugins by namespace. Only what a spec names is imported, and a broken one hurts nobody else."""

    def __init__(self, found: Sequence[EntryPoint] | None = None) -> None:
        self._found = entry_points(group=hookspecs.ENTRY_POINT_GROUP) if found is None else found
        self._loaded: dict[str, pluggy.PluginManager] = {}

    def namespaces(self) -> Mapping[str, str]:
        """Every namespace with the distribution that brings it. Imports nothing."""
        return {point.name: _distribution(point) for point in sorted(self._found, key=lambda point: point.name)}

    def backend(self, use: str) -> BackendFactory:
        """The factory behind the first word of `<backend>/<model>`. Raises `PluginMissing`, `PluginBroken`."""
        namespace = use.partition("/")[0]
        hook = self._load(namespace, "model").hook
        given = _gather(namespace, hook.agentspec_register_backends)
        factory: BackendFactory = _one_named(namespace, given, "backend", namespace)
        return factory

    def toolset(self, use: str) -> Toolset:
        """The toolset behind `<plugin>` or `<plugin>/<toolset>`. Raises `PluginMissing`, `PluginBroken`."""
        namespace, _, name = use.partition("/")
        hook = self._load(namespace, "tool").hook
        given = _gather(namespace, hook.agentspec_register_tools)
        toolset: Toolset = _one_named(name or namespace, given, "toolset", namespace)
        return toolset

    def version(self, use: str) -> str:
        """Name and version of the distribution behind the first word of `use`; empty when it is not known."""
        namespace = use.partition("/")[0]
        point = next((point for point in self._found if point.name == namespace), None)
        return "" if point is None or point.dist is None else f"{point.dist.name} {point.dist.version}"

    def controller(self, use: str) -> ControllerFactory:
        """The controller behind `<plugin>/<name>`. Raises `PluginMissing`, `PluginBroken`."""
        namespace, _, name = use.partition("/")
        hook = self._load(namespace, "controller").hook
        given = _gather(namespace, hook.agentspec_register_controllers)
        factory: ControllerFactory = _one_named(name, given, "controller", namespace)
        return factory

    def installed(self) -> tuple[Installed, list[PluginBroken]]:
        """Load every plugin. Returns all that they bring, and the failures of those that bring nothing."""
        found = Installed({}, {}, {})
        broken = []
        for namespace in self.namespaces():
            try:
                found = self._with(found, namespace)
            except PluginBroken as error:
                broken.append(error)
        return found, broken

    def _with(self, found: Installed, namespace: str) -> Installed:
        hook = self._load(namespace, "tool").hook
        backends = _gather(namespace, hook.agentspec_register_backends)
        toolsets = _gather(namespace, hook.agentspec_register_tools)
        controllers = _gather(namespace, hook.agentspec_register_controllers)
        try:
            return Installed(
                {**found.backends, **{one.name: one for one in backends if one.name == namespace}},
                {**found.toolsets, **{_use(namespace, one.name): one for one in toolsets}},
                {**found.controllers, **{f"{namespace}/{one.name}": one for one in controllers}},
            )
        except AttributeError as error:
            raise PluginBroken(f"plugin `{namespace}` registers something else than it should: {error}") from error

    def describe(self, namespace: str) -> str:
        """Load a plugin and say in a line what it brings. Raises `PluginBroken`."""
        hook = self._load(namespace, "tool").hook
        backends = _gather(namespace, hook.agentspec_register_backends)
        toolsets = _gather(namespace, hook.agentspec_register_tools)
        controllers = _gather(namespace, hook.agentspec_register_controllers)
        parts = [f"backend ({', '.join(one.models) or one.description})" for one in backends]
        parts += [f"toolset {one.name} ({', '.join(one.tools)})" for one in toolsets]
        parts += [f"controller {namespace}/{one.name}" for one in controllers]
        return "; ".join(parts) or "nothing"

    def _load(self, namespace: str, what: str) -> pluggy.PluginManager:
        if namespace in self._loaded:
            return self._loaded[namespace]
        points = [point for point in self._found if point.name == namespace]
        if not points:
            raise PluginMissing(f"no plugin `{namespace}` is installed", hint=self._way_to(namespace, what))
        owners = sorted({_distribution(point) for point in points})
        if len(owners) > 1:
            raise PluginBroken(f"`{namespace}` is claimed by {' and by '.join(owners)}", hint="uninstall one of them")
        # One manager per namespace: what a plugin returns can be told apart, and a bad one stays alone.
        manager = pluggy.PluginManager("agentspec")
        manager.add_hookspecs(hookspecs)
        try:
            manager.register(points[0].load(), name=namespace)
            manager.check_pending()
        except Exception as error:  # whatever a plugin does at import is its own failure
            text = f"plugin `{namespace}` of {owners[0]} cannot be loaded: {type(error).__name__}: {error}"
            raise PluginBroken(text, hint=f"pip install --upgrade {owners[0]}") from error
        self._loaded[namespace] = manager
        return manager

    def _way_to(self, namespace: str, what: str) -> str:
        if namespace in _FIRST_PARTY:
            return f'pip install "agentspec-slm[{_FIRST_PARTY[namespace]}]"'
        close = suggest(namespace, self.namespaces())
        if close:
            return did_you_mean(close)
        kind = "backend" if what == "model" else what
        return f"pip install agentspec-{kind}-{namespace}, if there is one"


def _use(namespace: str, name: str) -> str:
    return name if name == namespace else f"{namespace}/{name}"


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value


def _gather(namespace: str, hook: Any) -> list[Any]:
    try:
        return [one for answer in hook() for one in answer]
    except Exception as error:  # whatever a plugin does in its hook is its own failure
        raise PluginBroken(f"plugin `{namespace}` failed to register: {type(error).__name__}: {error}") from error


def _one_named(name: str, given: list[Any], what: str, namespace: str) -> Any:
    found = [one for one in given if one.name == name]
    if len(found) == 1:
        return found[0]
    if found:
        raise PluginBroken(f"plugin `{namespace}` has two {what}s named `{name}`")
    names = [str(one.name) for one in given]
    close = suggest(name, names)
    hint = did_you_mean(close, f"it has {', '.join(names) or f'no {what}s'}")
    raise PluginMissing(f"plugin `{namespace}` has no {what} `{name}`", hint=hint)
