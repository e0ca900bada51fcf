"""The hook: cheap to import, the `ollama` package is loaded at the first call."""

from __future__ import annotations

from agentspec.api import Backend, BackendFactory, ModelBinding, hookimpl
from agentspec_ollama.options import OllamaOptions


def create(binding: ModelBinding) -> Backend:
    """Make the backend of one model. Raises `OfflineRefused`, `BackendRefused`."""
    from agentspec_ollama.backend import OllamaBackend

    return OllamaBackend(binding)


@hookimpl
def agentspec_register_backends() -> list[BackendFactory]:
    """Offer `ollama/<model>`."""
    return [
        BackendFactory(
            name="ollama",
            create=create,
            options=OllamaOptions,
            description="models of an Ollama server, by default the one on this machine",
        )
    ]
