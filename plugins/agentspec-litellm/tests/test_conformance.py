"""The rules for backends, against a server that speaks OpenAI's protocol on loopback."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from fake_openai import CONTEXT, MODEL, FakeOpenai

from agentspec.testing.backends import BackendConformance
from agentspec_litellm.plugin import agentspec_register_backends


@pytest.fixture(scope="module")
def server() -> Iterator[FakeOpenai]:
    """A server in a thread: each rule has an event loop of its own."""
    fake, up, down = FakeOpenai(), threading.Event(), asyncio.Event()
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


class TestLitellm(BackendConformance):
    [factory] = agentspec_register_backends()
    model = f"openai/{MODEL}"

    @pytest.fixture(autouse=True)
    def _at_the_server(self, server: FakeOpenai) -> None:
        self.options = {"base_url": server.url, "key": "sk-4711-hush-hush", "context_tokens": CONTEXT}
