"""A prompt is never cut in silence."""

from __future__ import annotations

import asyncio
import json

import pytest
from conftest import Make, ask
from fake_ollama import FakeOllama
from hypothesis import given
from hypothesis import strategies as st

from agentspec.api import ContextOverflow, Reply
from agentspec_ollama import window

MAXIMUM = "that is the model's own maximum: shorten the prompt or take a model with a longer context"


def call(server: FakeOllama, make: Make, *prompts: str, model: str = "qwen3:8b", **options: object) -> list[Reply]:
    async def main() -> list[Reply]:
        async with server.running():
            backend = make(server, model, **options)
            try:
                return [await backend.generate(ask(prompt)) for prompt in prompts]
            finally:
                await backend.close()

    return asyncio.run(main())


def refused(server: FakeOllama, make: Make, prompt: str, **options: object) -> tuple[str, str | None]:
    with pytest.raises(ContextOverflow) as caught:
        call(server, make, prompt, **options)
    return caught.value.message, caught.value.hint


def test_the_window_grows_with_the_prompt_and_never_shrinks(make: Make) -> None:
    server = FakeOllama()
    call(server, make, "word", "word " * 4000, "word", max_tokens=100)
    assert [body["options"]["num_ctx"] for body in server.bodies] == [4096, 16384, 16384]


def test_the_window_ends_at_the_model_own_maximum(make: Make) -> None:
    server = FakeOllama()
    call(server, make, "word " * 15000)
    assert server.bodies[0]["options"]["num_ctx"] == 40960


def test_a_hopeless_prompt_is_not_even_sent(make: Make) -> None:
    server = FakeOllama()
    message, hint = refused(server, make, "word " * 70, model="tiny:latest")
    assert message == "the prompt has at least 72 tokens, the context of `tiny:latest` holds 64"
    assert hint == MAXIMUM
    assert server.bodies == []


def test_a_small_num_ctx_can_be_raised(make: Make) -> None:
    message, hint = refused(FakeOllama(), make, "word " * 70, num_ctx=64)
    assert message == "the prompt has at least 72 tokens, the context of `qwen3:8b` holds 64"
    assert hint == "raise `num_ctx:`, up to 40960, the model's own maximum"


def test_the_server_counts_more_tokens_than_we_can_know(make: Make) -> None:
    message, hint = refused(FakeOllama(), make, "word " * 60, num_ctx=64)
    assert message == "the prompt has 70 tokens, the context of `qwen3:8b` holds 64"
    assert hint == "raise `num_ctx:`, up to 40960, the model's own maximum"
    message, hint = refused(FakeOllama(), make, "word " * 60, num_ctx=4096, model="tiny:latest")
    assert (message, hint) == ("the prompt has 70 tokens, the context of `tiny:latest` holds 64", MAXIMUM)


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("the input length exceeds the context length", "more than 40960"),
        ("prompt too long; exceeded max context length by 40 tokens", "41000"),
        (json.dumps({"error": "request (50000 tokens) exceeds the available context size"}), "50000"),
    ],
)
def test_every_wording_of_the_refusal_is_understood(make: Make, text: str, prompt: str) -> None:
    message, hint = refused(FakeOllama(fault=f"400 {text}"), make, "word", num_ctx=100_000)
    assert message == f"the prompt has {prompt} tokens, the context of `qwen3:8b` holds 40960"
    assert hint == MAXIMUM


def test_a_refused_prompt_gets_a_larger_window_while_there_is_one(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "likely_tokens", lambda request: 1)
    server = FakeOllama()
    call(server, make, "word " * 4090)
    assert [body["options"]["num_ctx"] for body in server.bodies] == [4096, 8192]
    endless = FakeOllama(fault="400 the input length exceeds the context length")
    message, _ = refused(endless, make, "word")
    assert message == "the prompt has more than 32768 tokens, the context of `qwen3:8b` holds 32768"
    assert len(endless.bodies) == 4


def test_an_old_server_that_cuts_is_found_out(make: Make) -> None:
    message, hint = refused(FakeOllama(version="0.9.0"), make, "word " * 60, num_ctx=64)
    assert message == (
        "the prompt has at least 62 tokens, the context of `qwen3:8b` holds 64: ollama read 35 and dropped the rest"
    )
    assert hint == "raise `num_ctx:`, up to 40960, the model's own maximum"


def test_a_prompt_that_fills_the_window_is_found_out(make: Make) -> None:
    server = FakeOllama(extra={"prompt_eval_count": 4096})
    message, _ = refused(server, make, "word")
    assert message.endswith("ollama read 4096 and dropped the rest")


def test_tokens_from_the_cache_of_a_new_server_are_no_false_alarm(make: Make) -> None:
    [reply] = call(FakeOllama(extra={"prompt_eval_count": 1}), make, "word " * 60)
    assert reply.usage.tokens_in == 1


def test_a_server_that_does_not_tell_the_maximum(make: Make) -> None:
    server = FakeOllama(models={"qwen3:8b": 0})
    call(server, make, "word " * 5000)
    assert server.bodies[0]["options"]["num_ctx"] == 16384
    message, hint = refused(server, make, "word " * 70, num_ctx=64)
    assert message == "the prompt has at least 72 tokens, the context of `qwen3:8b` holds 64"
    assert hint == "raise `num_ctx:`"


@given(
    prompt=st.integers(0, 10**6),
    answer=st.none() | st.integers(1, 10**5),
    at_least=st.integers(0, 10**6),
    maximum=st.none() | st.integers(1, 10**6),
)
def test_a_window_holds_prompt_and_answer_or_is_the_maximum(
    prompt: int, answer: int | None, at_least: int, maximum: int | None
) -> None:
    found = window.window_for(prompt, answer, at_least=at_least, maximum=maximum)
    assert found == maximum or found >= max(prompt + (answer or 0), at_least, window.SMALLEST)
    assert maximum is None or found <= maximum


@given(st.text(max_size=200))
def test_the_lower_bound_never_exceeds_the_estimate(text: str) -> None:
    request = ask(text)
    assert window.least_tokens(request) <= window.likely_tokens(request)
