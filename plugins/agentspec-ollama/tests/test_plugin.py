"""How the plugin is found, what it costs, and what it reads from the environment."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from conftest import Make
from hypothesis import assume, given
from hypothesis import strategies as st
from ollama._client import _parse_host
from pydantic import ValidationError

from agentspec.api import Backend, ModelBinding
from agentspec_ollama import plugin
from agentspec_ollama.host import is_loopback, server_url
from agentspec_ollama.options import OllamaOptions

LAZY = """
import asyncio, sys
from pathlib import Path
from agentspec_ollama.plugin import agentspec_register_backends
from agentspec.api import Message, ModelBinding, Request
[factory] = agentspec_register_backends()
binding = ModelBinding("qwen3:8b", factory.options(host="127.0.0.1:9"), Path())
backend = factory.create(binding)
assert backend.capabilities.remote is False
assert not {"ollama", "httpx", "anyio"} & set(sys.modules), "imported too early"
try:
    asyncio.run(backend.generate(Request((Message("user", "hi"),))))
except Exception as error:
    print(type(error).__name__, "ollama" in sys.modules)
"""


def test_the_client_is_imported_at_the_first_call() -> None:
    done = subprocess.run([sys.executable, "-c", LAZY], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("BackendUnavailable True\n", "")


def test_the_entry_point_names_the_plugin() -> None:
    [found] = entry_points(group="agentspec", name="ollama")
    assert found.load() is plugin


def test_the_factory_makes_a_backend(tmp_path: Path) -> None:
    [factory] = plugin.agentspec_register_backends()
    backend = factory.create(ModelBinding("qwen3:8b", factory.options(num_ctx=512), tmp_path))
    assert factory.name == "ollama"
    assert isinstance(backend, Backend)
    assert backend.capabilities.context_tokens == 512


@pytest.mark.parametrize("wrong", [{"num_ctx": 0}, {"timeout_s": 0}, {"think": "hard"}, {"api_key": "x"}])
def test_wrong_options_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        OllamaOptions(**wrong)


def test_the_host_comes_from_the_environment(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "gpu-box:4000")
    assert make("").capabilities.remote is True
    assert make("127.0.0.1").capabilities.remote is False


names = st.sampled_from(["", "localhost", "127.0.0.1", "0.0.0.0", "[::1]", "gpu-box", "u:p@gpu-box", "1.2.3.4"])
ports = st.none() | st.integers(1, 65535)
schemes = st.sampled_from(["", "http://", "https://"])


@given(schemes, names, ports, st.sampled_from(["", "/", "/ollama", "/a/b/"]))
def test_hosts_are_read_as_the_ollama_client_reads_them(scheme: str, name: str, port: int | None, path: str) -> None:
    host = f"{scheme}{name}" + (f":{port}" if port else "") + path
    # The client takes `http://` alone for a host of the name `http`.
    assume(name or port or path or not scheme)
    assert server_url(host) == _parse_host(host)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        (None, True),
        (":8080", True),
        ("localhost", True),
        ("127.9.9.9", True),
        ("[::1]:11434", True),
        ("0.0.0.0", True),
        ("localhost.evil.org", False),
        ("127.0.0.1.evil.org", False),
        ("http://127.0.0.1@evil.org", False),
        ("192.168.0.9", False),
    ],
)
def test_loopback_is_this_machine_only(host: str | None, local: bool) -> None:
    assert is_loopback(server_url(host)) is local
