"""What agentspec finds by the entry point `pocket`. Nothing heavy is imported before a model is made."""

from __future__ import annotations

from agentspec.api import BackendFactory, ModelBinding, hookimpl
from agentspec.api.backend import Backend
from agentspec_pocket.locate import shipped
from agentspec_pocket.options import PocketOptions
from agentspec_pocket.pool import Pool


@hookimpl
def agentspec_register_backends() -> list[BackendFactory]:
    """Offer the backend `pocket`. All models made by this factory share what is in memory."""
    pool = Pool()

    def create(binding: ModelBinding) -> Backend:
        from agentspec_pocket.backend import open_backend

        return open_backend(binding, pool)

    return [
        BackendFactory(
            name="pocket",
            create=create,
            options=PocketOptions,
            description="small models in this process: any GGUF file, grammar-constrained, offline",
            models=shipped(),
        )
    ]
