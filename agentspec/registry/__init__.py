"""Plugins: found by namespace, imported when named, kept apart from each other."""

from agentspec.registry.registry import Registry

__all__ = ["Registry"]
