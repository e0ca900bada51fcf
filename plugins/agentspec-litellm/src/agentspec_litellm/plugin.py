"""The hook: cheap to import, litellm is loaded at the first call."""

from __future__ import annotations

from agentspec.api import Backend, BackendFactory, ModelBinding, hookimpl
from agentspec_litellm.options import LitellmOptions


def create(binding: ModelBinding) -> Backend:
    """Make the backend of one model. Raises `OfflineRefused`, `BackendRefused`."""
    from agentspec_litellm.backend import LitellmBackend

    return LitellmBackend(binding)


@hookimpl
def agentspec_register_backends() -> list[BackendFactory]:
    """Offer `litellm/<provider>/<model>`."""
    return [
        BackendFactory(
            name="litellm",
            create=create,
            options=LitellmOptions,
            description="remote providers and OpenAI-compatible servers, as `litellm/<provider>/<model>`",
            models=("openai/gpt-4.1-mini", "anthropic/claude-haiku-4-5", "gemini/gemini-2.5-flash"),
        )
    ]
