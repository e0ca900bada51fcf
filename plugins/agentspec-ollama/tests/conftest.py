from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_ollama import FakeOllama

from agentspec.api import Message, ModelBinding, Request
from agentspec_ollama.backend import OllamaBackend
from agentspec_ollama.options import OllamaOptions

Make = Callable[..., OllamaBackend]


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OLLAMA_HOST", "OLLAMA_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make(
        server: FakeOllama | str, model: str = "qwen3:8b", *, offline: bool = False, **options: Any
    ) -> OllamaBackend:
        host = server if isinstance(server, str) else server.url
        chosen = OllamaOptions(host=host, **options)
        return OllamaBackend(ModelBinding(model, chosen, tmp_path, offline))

    return make


def ask(text: str = "hello small world", **settings: Any) -> Request:
    return Request((Message("system", "Be brief."), Message("user", text)), **settings)
