"""Models to test with: noise in a few kilobytes, and the model that is shipped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tiny_gguf import write_tiny

from agentspec.api import BackendFactory, ModelBinding
from agentspec.api.backend import Backend
from agentspec_pocket.plugin import agentspec_register_backends

Open = Callable[..., Backend]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model with a context of 2,048 tokens."""
    return write_tiny(tmp_path_factory.mktemp("models") / "tiny.gguf", context=2048)


@pytest.fixture
def factory() -> BackendFactory:
    [made] = agentspec_register_backends()
    return made


@pytest.fixture
def open_model(factory: BackendFactory, tmp_path: Path) -> Open:
    """Make a backend as the core does: the spec's folder is empty."""

    def open_it(model: str | Path, **options: Any) -> Backend:
        return factory.create(ModelBinding(str(model), factory.options(**options), tmp_path))

    return open_it


@pytest.fixture(scope="session")
def noise(tiny: Path) -> Iterator[Backend]:
    """A backend over the random model, shared by the tests that only ask."""
    [made] = agentspec_register_backends()
    backend = made.create(ModelBinding(str(tiny), made.options(), tiny.parent))
    yield backend
    asyncio.run(backend.close())
