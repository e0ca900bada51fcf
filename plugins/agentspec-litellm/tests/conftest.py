from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pytest
import xllamacpp
from tiny_gguf import write_tiny

from agentspec.api import Message, ModelBinding, Request
from agentspec_litellm.backend import LitellmBackend
from agentspec_litellm.options import LitellmOptions

Make = Callable[..., LitellmBackend]
KEYS = ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY")


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The model that the project ships, where it is installed, else noise of the same format."""
    try:
        shipped = files("agentspec_pocket") / "models" / "triage.gguf"
        there = shipped.is_file()
    except ModuleNotFoundError:
        there = False
    if there:
        with as_file(shipped) as path:
            yield path
    else:
        yield write_tiny(tmp_path_factory.mktemp("model") / "tiny.gguf")


@pytest.fixture(scope="session")
def llama(model_file: Path) -> Iterator[str]:
    """The address of a llama.cpp server on loopback."""
    params = xllamacpp.CommonParams()
    params.model.path = str(model_file)
    params.n_parallel = 4
    params.n_ctx = 4 * 512
    params.cpuparams.n_threads = 1
    params.warmup = False
    params.use_jinja = True
    server = xllamacpp.Server(params)
    yield f"{server.listening_address}/v1"
    del server


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "OPENAI_API_BASE",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make(
        base_url: str | None, model: str = "openai/triage", *, offline: bool = False, **options: Any
    ) -> LitellmBackend:
        chosen = LitellmOptions(base_url=base_url, **options)
        return LitellmBackend(ModelBinding(model, chosen, tmp_path, offline))

    return make


def ask(text: str = "hello small world", **settings: Any) -> Request:
    return Request((Message("system", "Be brief."), Message("user", text)), **settings)
