"""The rules for backends, against a server that speaks Ollama's protocol on loopback."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from fake_ollama import FakeOllama

from agentspec.testing.backends import BackendConformance
from agentspec_ollama.plugin import agentspec_register_backends


@pytest.fixture(scope="module")
def server() -> Iterator[FakeOllama]:
    """A server in a thread: each rule has an event loop of its own."""
    fake, up, down = FakeOllama(delay_s=0.001), threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with fake.running():
            up.set()
            await down.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert up.wait(10)
    yield fake
    loop.call_soon_threadsafe(down.set)
    thread.join(10)
    loop.close()


class TestOllama(BackendConformance):
    [factory] = agentspec_register_backends()
    model = "qwen3:8b"

    @pytest.fixture(autouse=True)
    def _at_the_server(self, server: FakeOllama) -> None:
        self.options = {"host": server.url}
