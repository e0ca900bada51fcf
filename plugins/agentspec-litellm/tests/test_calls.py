"""Calls of a real OpenAI-compatible server: llama.cpp."""

from __future__ import annotations

import asyncio
import json

import pytest
from conftest import Make, ask

from agentspec.api import Message, Reply, Request, ToolCall, ToolOffer
from agentspec_litellm.backend import LitellmBackend

TRIAGE = {
    "type": "object",
    "properties": {"category": {"enum": ["urgent", "other"]}, "reply": {"type": "boolean"}},
    "required": ["category"],
    "additionalProperties": False,
}


def run(backend: LitellmBackend, *requests: Request) -> list[Reply]:
    async def main() -> list[Reply]:
        try:
            return list(await asyncio.gather(*(backend.generate(request) for request in requests)))
        finally:
            await backend.close()
            await backend.close()

    return asyncio.run(main())


def test_a_text_comes_back_with_tokens_and_log_probabilities(make: Make, llama: str) -> None:
    [reply] = run(make(llama), ask(max_tokens=4, seed=1, temperature=0.5))
    assert reply.finish == "length"
    assert reply.usage.tokens_out == 4
    assert reply.usage.tokens_in is not None
    assert reply.usage.tokens_in > 4
    assert reply.usage.usd is None
    assert reply.logprobs is not None
    assert "".join(token.text for token in reply.logprobs) == reply.text
    assert all(token.logprob <= 0 for token in reply.logprobs)
    assert reply.model


def test_an_answer_fits_its_schema_and_optional_fields_come_as_null(make: Make, llama: str) -> None:
    [reply] = run(make(llama), ask(output=TRIAGE, max_tokens=200))
    answer = json.loads(reply.text)
    assert answer["category"] in ("urgent", "other")
    assert answer["reply"] in (True, False, None)
    assert reply.enforced == "native"


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_is_no_object_comes_out_of_its_envelope(make: Make, llama: str, stream: bool) -> None:
    async def main() -> None:
        backend = make(llama)
        request = ask(output={"enum": ["urgent", "other"]}, max_tokens=200)
        if stream:
            *texts, reply = [piece async for piece in backend.stream(request)]
        else:
            texts, reply = [], await backend.generate(request)
        await backend.close()
        assert isinstance(reply, Reply)
        assert json.loads(reply.text) in ("urgent", "other")
        assert texts == ([reply.text] if stream else [])

    asyncio.run(main())


def test_a_tool_is_called_by_its_own_name(make: Make, llama: str) -> None:
    day = {"type": "object", "properties": {"day": {"enum": ["monday"]}}, "required": ["day"]}
    tools = (ToolOffer("cal.free", "Free slots.", day),)
    turns = (
        Message("user", "When?"),
        Message("assistant", "I look.", (ToolCall("call_1", "cal.free", {"day": "monday"}),)),
        Message("tool", "at nine", tool_call_id="call_1"),
        Message("user", "And then?"),
    )
    [reply] = run(make(llama), Request(turns, tools=tools, max_tokens=8))
    assert reply.text or reply.tool_calls


def test_a_stream_yields_pieces_and_last_the_reply(make: Make, llama: str) -> None:
    async def main() -> list[str | Reply]:
        backend = make(llama)
        pieces = [piece async for piece in backend.stream(ask(max_tokens=6))]
        await backend.close()
        return pieces

    *texts, reply = asyncio.run(main())
    assert isinstance(reply, Reply)
    assert "".join(str(text) for text in texts) == reply.text
    assert (reply.finish, reply.usage.tokens_out) == ("length", 6)
    assert reply.logprobs is not None


def test_sixteen_calls_at_once(make: Make, llama: str) -> None:
    replies = run(make(llama), *(ask(f"call {n}", max_tokens=3) for n in range(16)))
    assert [reply.usage.tokens_out for reply in replies] == [3] * 16


def test_a_prompt_that_is_too_long_for_the_server(make: Make, llama: str) -> None:
    from agentspec.api import ContextOverflow

    with pytest.raises(ContextOverflow) as caught:
        run(make(llama), ask("word " * 600))
    assert "exceeds the available context size" in caught.value.message
    assert caught.value.hint == "shorten the prompt or take a model with a longer context"
    with pytest.raises(ContextOverflow) as early:
        run(make(llama, context_tokens=100), ask("word " * 200))
    assert early.value.message == "the prompt has at least 202 tokens, the context of `openai/triage` holds 100"
