"""What the backend does beside asking: prices, what models do not take, cancelling, closing, importing."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from conftest import Make, ask
from faulty import Faulty, completion, delta
from pydantic import ValidationError

from agentspec.api import Backend, BackendError, Message, ModelBinding, Reply, Request, ToolCall, ToolOffer, Usage
from agentspec_litellm import plugin
from agentspec_litellm.abilities import abilities, price
from agentspec_litellm.options import LitellmOptions

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


def run(server: Faulty, make: Make, *requests: Request, **options: object) -> list[Reply]:
    async def main() -> list[Reply]:
        async with server.running():
            backend = make(server.url, "openai/far", **options)
            replies = [await backend.generate(request) for request in requests]
            await backend.close()
            return replies

    return asyncio.run(main())


def test_usage_tells_cached_tokens_and_an_unknown_price_is_none(make: Make) -> None:
    [reply] = run(Faulty(), make, ask())
    assert reply == Reply("fine", usage=Usage(1000, 500, 400, None), model="far-1")


def test_a_known_price_is_told_and_only_at_its_provider() -> None:
    import litellm

    response = litellm.ModelResponse(usage=litellm.Usage(prompt_tokens=1000, completion_tokens=500))
    assert price(litellm, "openai/gpt-4.1-mini", response) == pytest.approx(0.0012)
    assert price(litellm, "openai/nobody-knows", response) is None
    assert abilities(litellm, "openai/gpt-4.1-mini", None).priced
    assert abilities(litellm, "openai/gpt-4.1-mini", None).context_tokens == 1047576
    assert not abilities(litellm, "openai/gpt-4.1-mini", "http://far/v1").priced
    assert not abilities(litellm, "anthropic/claude-haiku-4-5", None).takes("logprobs")


@pytest.mark.parametrize("refused", ["response_format", "logprobs"])
def test_what_a_model_refuses_is_left_out_once_and_for_all(make: Make, refused: str) -> None:
    async def main() -> None:
        async with Faulty(refuses=refused).running() as server:
            backend = make(server.url, "openai/far")
            request = ask(output=SCHEMA)
            replies = [await backend.generate(request), await backend.generate(request)]
            await backend.close()
        assert [refused in body for body in server.bodies] == [True, False, False]
        enforced = "none" if refused == "response_format" else "native"
        assert [reply.enforced for reply in replies] == [enforced, enforced]
        assert backend.capabilities.structured == enforced
        assert backend.capabilities.logprobs is (refused != "logprobs")

    asyncio.run(main())


def test_settings_of_the_request_win_over_options(make: Make) -> None:
    server = Faulty()
    options = {"temperature": 0.5, "seed": 1, "max_tokens": 9, "extra": {"top_p": 0.9, "top_k": 5}}
    request = ask(temperature=0.0, seed=0, max_tokens=4, stop=("b",), logprobs=False)
    run(server, make, request, ask(), **options)
    first, second = server.bodies
    shared = {"model": "far", "messages": first["messages"], "top_p": 0.9, "top_k": 5}
    assert first == shared | {"temperature": 0.0, "seed": 0, "max_tokens": 4, "stop": ["b"]}
    assert second == shared | {"temperature": 0.5, "seed": 1, "max_tokens": 9, "logprobs": True}


def test_tools_travel_under_names_that_providers_allow(make: Make) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "cal_free_2", "arguments": '{"day": 1}'}}
    broken = {"id": "c2", "type": "function", "function": {"name": "cal_free", "arguments": "{oops"}}
    server = Faulty(answer=completion({"content": None, "tool_calls": [call, broken]}, "tool_calls"))
    tools = (ToolOffer("cal_free", "", {"type": "object"}), ToolOffer("cal.free", "", {"type": "object"}))
    earlier = Message("assistant", "", (ToolCall("c0", "cal.free", {"day": 0}),))
    request = Request((Message("user", "?"), earlier, Message("tool", "no", tool_call_id="c0")), tools=tools)
    [reply] = run(server, make, request)
    assert [tool["function"]["name"] for tool in server.bodies[0]["tools"]] == ["cal_free", "cal_free_2"]
    assert server.bodies[0]["messages"][1]["tool_calls"][0]["function"] == {
        "name": "cal_free_2",
        "arguments": json.dumps({"day": 0}),
    }
    assert reply.tool_calls == (ToolCall("c1", "cal.free", {"day": 1}), ToolCall("c2", "cal_free", "{oops"))
    assert reply.finish == "tool_calls"


def test_tools_are_called_in_a_stream_piece_by_piece(make: Make) -> None:
    async def main() -> None:
        first = {"index": 0, "id": "c1", "type": "function", "function": {"name": "a", "arguments": '{"x"'}}
        rest = {"index": 0, "function": {"arguments": ": 1}"}}
        second = {"index": 1, "id": "c2", "type": "function", "function": {"name": "b", "arguments": ""}}
        chunks = [delta({"tool_calls": [call]}) for call in (first, rest, second)]
        async with Faulty(chunks=[*chunks, delta({}, "tool_calls")]).running() as server:
            backend = make(server.url, "openai/far")
            tools = (ToolOffer("a", "", {"type": "object"}), ToolOffer("b", "", {"type": "object"}))
            [reply] = [piece async for piece in backend.stream(ask(tools=tools))]
            await backend.close()
        assert isinstance(reply, Reply)
        assert reply.tool_calls == (ToolCall("c1", "a", {"x": 1}), ToolCall("c2", "b", {}))
        assert reply.finish == "tool_calls"

    asyncio.run(main())


def test_a_proxy_does_not_see_what_is_for_this_machine(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "example.org")
    monkeypatch.setenv("no_proxy", "")
    [reply] = run(Faulty(), make, ask())
    assert reply.text == "fine"


@pytest.mark.parametrize("fault", ["stall", "midstall"])
def test_a_cancelled_call_closes_its_connection_within_a_second(make: Make, fault: str) -> None:
    async def consume(backend: Backend) -> None:
        async for _ in backend.stream(ask()):
            pass

    async def main() -> None:
        async with Faulty(fault=fault).running() as server:
            backend = make(server.url, "openai/far")
            task = asyncio.create_task(consume(backend) if fault == "midstall" else backend.generate(ask()))
            await server.started.wait()
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(server.gone.wait(), 1.0)
            await backend.close()

    asyncio.run(main())


def test_closing_a_backend_leaves_others_open(make: Make) -> None:
    async def main() -> None:
        async with Faulty().running() as server:
            backend, other = make(server.url, "openai/far"), make(server.url, "openai/far")
            await asyncio.gather(backend.generate(ask()), other.generate(ask()))
            await backend.close()
            assert (await other.generate(ask())).text == "fine"
            await other.close()
            with pytest.raises(BackendError, match="`litellm/openai/far` was closed"):
                await backend.generate(ask())

    asyncio.run(main())


QUIET = """
import asyncio, sys
from pathlib import Path
from agentspec_litellm.plugin import agentspec_register_backends
from agentspec.api import Message, ModelBinding, Request

[factory] = agentspec_register_backends()
binding = ModelBinding("openai/far", factory.options(base_url=sys.argv[1]), Path())
backend = factory.create(binding)
heavy = {"litellm", "openai", "httpx", "aiohttp"}
assert not heavy & set(sys.modules), "imported too early"

async def main():
    slowest = 0.0
    async def heartbeat():
        nonlocal slowest
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0.01)
            slowest = max(slowest, loop.time() - before)
    beat = asyncio.create_task(heartbeat())
    from agentspec_litellm import sdk
    first, second = await asyncio.gather(sdk.load(), sdk.load())
    beat.cancel()
    request = Request((Message("user", "hi"),))
    replies = await asyncio.gather(*(backend.generate(request) for _ in range(3)))
    async for piece in backend.stream(request):
        pass
    await backend.close()
    print(first is second, slowest < 1.0, [reply.text for reply in replies], piece.text)

asyncio.run(main())
"""


def test_litellm_is_imported_late_once_off_the_loop_and_leaves_nothing_open() -> None:
    async def main() -> tuple[str, str]:
        async with Faulty().running() as server:
            options = ["-W", "error::ResourceWarning", "-W", "default::RuntimeWarning"]
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *options,
                "-c",
                QUIET,
                server.url,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            out, err = await process.communicate()
            return out.decode(), err.decode()

    out, err = asyncio.run(main())
    assert (out, err) == ("True True ['fine', 'fine', 'fine'] fine\n", "")


def test_the_entry_point_names_the_plugin(tmp_path: Path) -> None:
    [found] = entry_points(group="agentspec", name="litellm")
    assert found.load() is plugin
    [factory] = plugin.agentspec_register_backends()
    backend = factory.create(ModelBinding("openai/far", factory.options(context_tokens=99), tmp_path))
    assert isinstance(backend, Backend)
    assert backend.capabilities.context_tokens == 99


@pytest.mark.parametrize(
    "wrong",
    [
        {"extra": {"api_base": "http://x"}},
        {"extra": {"_x": 1}},
        {"base_url": "127.0.0.1:80"},
        {"timeout_s": 0},
        {"k": 1},
    ],
)
def test_wrong_options_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        LitellmOptions(**wrong)


def test_a_key_is_not_shown() -> None:
    assert "sk-secret" not in repr(LitellmOptions(key="sk-secret"))
