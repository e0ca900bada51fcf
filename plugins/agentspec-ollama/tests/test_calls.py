"""What goes to the server and what comes back."""

from __future__ import annotations

import asyncio
import json

import pytest
from conftest import Make, ask
from fake_ollama import FakeOllama

from agentspec.api import (
    BackendUnavailable,
    Capabilities,
    Message,
    Reply,
    Request,
    TokenLogprob,
    ToolCall,
    ToolOffer,
    Usage,
)

TRIAGE = {
    "type": "object",
    "properties": {"category": {"enum": ["urgent", "other"]}, "reply_needed": {"type": "boolean"}},
    "required": ["category", "reply_needed"],
}
PLACE = {"type": "object", "properties": {"street": {"type": "string"}}, "required": ["street"]}
FREE = ToolOffer(
    "free",
    "Free slots of a day.",
    {
        "type": "object",
        "properties": {"day": {"anyOf": [{"type": "string"}, {"type": "null"}]}, "where": PLACE},
    },
)


def run(server: FakeOllama, make: Make, request: Request, **options: object) -> Reply:
    async def main() -> Reply:
        async with server.running():
            backend = make(server, **options)
            try:
                return await backend.generate(request)
            finally:
                await backend.close()
                await backend.close()

    return asyncio.run(main())


def test_a_text_comes_back_with_tokens_log_probabilities_and_no_costs(make: Make) -> None:
    reply = run(FakeOllama(), make, ask())
    assert reply == Reply(
        text="hello small world",
        usage=Usage(tokens_in=13, tokens_out=3, tokens_cached=None, usd=0.0),
        finish="stop",
        enforced="none",
        logprobs=tuple(TokenLogprob(text, -0.25) for text in ("hello", " small", " world")),
        model="qwen3:8b",
    )


def test_an_answer_fits_its_schema_natively(make: Make) -> None:
    server = FakeOllama()
    reply = run(server, make, ask(output=TRIAGE))
    assert json.loads(reply.text) == {"category": "urgent", "reply_needed": True}
    assert reply.enforced == "native"
    assert server.bodies[0]["format"] == TRIAGE


def test_settings_of_the_request_win_over_options(make: Make) -> None:
    server = FakeOllama()
    options = {
        "temperature": 0.5,
        "seed": 1,
        "max_tokens": 9,
        "stop": ["a"],
        "think": "low",
        "keep_alive": "5m",
    }
    run(server, make, ask(temperature=0.0, seed=0, max_tokens=4, stop=("b",), logprobs=False), **options)
    body = server.bodies[0]
    assert body["options"] == {
        "temperature": 0.0,
        "seed": 0,
        "num_predict": 4,
        "stop": ["b"],
        "num_ctx": 4096,
    }
    assert (body["think"], body["keep_alive"], body["stream"]) == ("low", "5m", True)
    assert (body["truncate"], body["shift"]) == (False, False)
    assert "logprobs" not in body
    run(server, make, ask(), **options)
    settings = server.bodies[1]["options"]
    assert settings == {"temperature": 0.5, "seed": 1, "num_predict": 9, "stop": ["a"], "num_ctx": 4096}


def test_an_answer_that_is_cut_says_so(make: Make) -> None:
    reply = run(FakeOllama(), make, ask("one two three", max_tokens=2))
    assert (reply.text, reply.finish) == ("one two", "length")


def test_parameters_of_tools_arrive_whole_and_calls_come_back(make: Make) -> None:
    server = FakeOllama()
    reply = run(server, make, ask(tools=(FREE,), output=TRIAGE))
    assert server.bodies[0]["tools"][0]["function"]["parameters"] == FREE.parameters
    assert "format" not in server.bodies[0]
    assert reply.tool_calls == (ToolCall("call_0", "free", {"day": "word", "where": {"street": "word"}}),)
    assert (reply.finish, reply.enforced, reply.text) == ("tool_calls", "none", "")


def test_results_of_tools_go_back_under_the_name_of_their_tool(make: Make) -> None:
    server = FakeOllama()
    call = ToolCall("call_0", "free", {"day": "today"})
    broken = ToolCall("call_1", "free", "today")
    turns = (
        Message("user", "When?"),
        Message("assistant", "", (call, broken)),
        Message("tool", "at nine", tool_call_id="call_0"),
    )
    reply = run(server, make, Request(turns, tools=(FREE,)))
    assert reply.text == "at nine"
    assert server.bodies[0]["messages"][1:] == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": "call_0", "function": {"name": "free", "arguments": {"day": "today"}}},
                {"id": "call_1", "function": {"name": "free", "arguments": {"invalid": "today"}}},
            ],
        },
        {"role": "tool", "content": "at nine", "tool_call_id": "call_0", "tool_name": "free"},
    ]


@pytest.mark.parametrize("text", ["naïve 日本", "a\u0085b\u2028c", "tab\tand\\", "\ud800 lone"])
def test_unusual_characters_survive(make: Make, text: str) -> None:
    server = FakeOllama(texts=None if text.startswith("\ud800") else [text])
    reply = run(server, make, ask(text))
    assert server.bodies[0]["messages"][1]["content"] == text
    assert text.startswith("\ud800") or reply.text == text


def test_log_probabilities_that_do_not_spell_the_text_are_left_out(make: Make) -> None:
    old = run(FakeOllama(version="0.9.0"), make, ask())
    assert old.logprobs is None
    other = run(FakeOllama(extra={"logprobs": [{"token": "!", "logprob": -1.0}]}), make, ask())
    assert other.logprobs is None


def test_a_stream_yields_pieces_and_last_the_reply(make: Make) -> None:
    async def main() -> list[str | Reply]:
        async with FakeOllama().running() as server:
            backend = make(server)
            pieces = [piece async for piece in backend.stream(ask())]
            await backend.close()
            return pieces

    *texts, reply = asyncio.run(main())
    assert texts == ["hello", " small", " world"]
    assert isinstance(reply, Reply)
    assert reply.text == "hello small world"


def test_sixteen_calls_run_at_once_and_ask_for_the_model_once(make: Make) -> None:
    async def main(server: FakeOllama) -> list[Reply]:
        async with server.running():
            backend = make(server)
            replies = await asyncio.gather(*(backend.generate(ask(f"call {n}")) for n in range(16)))
            await backend.close()
            return replies

    server = FakeOllama(delay_s=0.1)
    replies = asyncio.run(main(server))
    assert [reply.text for reply in replies] == [f"call {n}" for n in range(16)]
    assert server.most_busy == 16
    assert server.paths.count("/api/show") == 1


@pytest.mark.parametrize("streamed", [False, True])
def test_a_cancelled_call_closes_its_connection_within_a_second(make: Make, streamed: bool) -> None:
    async def consume(backend: object, started: asyncio.Event) -> None:
        async for _ in backend.stream(ask()):  # type: ignore[attr-defined]
            started.set()

    async def main() -> None:
        async with FakeOllama(delay_s=30.0).running() as server:
            backend = make(server)
            started = asyncio.Event()
            task = asyncio.create_task(consume(backend, started) if streamed else backend.generate(ask()))
            while not server.busy:
                await asyncio.sleep(0.01)
            if streamed:
                await started.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(server.gone.wait(), 1.0)
            await backend.close()

    asyncio.run(main())


def test_a_call_under_way_ends_when_the_backend_is_closed(make: Make) -> None:
    async def main() -> None:
        async with FakeOllama(delay_s=30.0).running() as server:
            backend = make(server)
            task = asyncio.create_task(backend.generate(ask()))
            while not server.busy:
                await asyncio.sleep(0.01)
            await backend.close()
            with pytest.raises(BackendUnavailable):
                await asyncio.wait_for(task, 1.0)

    asyncio.run(main())


def test_a_backend_learns_at_its_first_call_what_the_model_can(make: Make) -> None:
    async def main() -> None:
        async with FakeOllama(capabilities=["completion"], version="0.9.0").running() as server:
            backend = make(server)
            before = backend.capabilities
            await backend.generate(ask())
            await backend.close()
            assert before == Capabilities("native", tools=True, logprobs=True, context_tokens=None, remote=False)
            after = Capabilities("native", tools=False, logprobs=False, context_tokens=40960, remote=False)
            assert backend.capabilities == after

    asyncio.run(main())
