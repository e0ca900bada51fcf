"""Every failure is a child of `BackendError`, with a message, a way out and no key."""

from __future__ import annotations

import asyncio
import socket

import pytest
from conftest import Make, ask
from faulty import Faulty, completion

from agentspec.api import (
    BackendError,
    BackendRefused,
    BackendTimeout,
    BackendUnavailable,
    ContextOverflow,
    ModelMissing,
    OfflineRefused,
    RateLimited,
)
from agentspec_litellm.failures import Target, masked

KEY = "sk-very-secret-0123456789"
HERE = "the server at URL"


def failure(server: Faulty, make: Make, *, stream: bool = False, **options: object) -> BackendError:
    async def main() -> BackendError:
        async with server.running():
            backend = make(server.url, "openai/far", **options)
            with pytest.raises(BackendError) as caught:
                if stream:
                    async for _ in backend.stream(ask()):
                        pass
                else:
                    await backend.generate(ask())
            await backend.close()
        assert len(server.bodies) == 1, "the core repeats calls, not litellm"
        return caught.value

    return asyncio.run(main())


def plain(text: str | None, server: Faulty) -> str | None:
    return text and text.replace(server.url, "URL")


@pytest.mark.parametrize(
    ("status", "text", "kind", "message", "hint"),
    [
        (
            401,
            "Incorrect API key provided",
            BackendRefused,
            f"{HERE} refuses the key for `openai/far`: Incorrect API key provided",
            'set `key: "${{ env.OPENAI_API_KEY }}"` beside `use:`, and the variable itself',
        ),
        (
            403,
            "no access to this model",
            BackendRefused,
            f"{HERE} does not allow `openai/far`: no access to this model",
            "check what this key may use",
        ),
        (
            404,
            "The model does not exist",
            ModelMissing,
            f"{HERE} does not know `openai/far`: The model does not exist",
            "check the name after `litellm/`, and `base_url:` if there is one",
        ),
        (
            429,
            "insufficient_quota: You exceeded your quota",
            BackendRefused,
            f"the credit at {HERE} is used up: insufficient_quota: You exceeded your quota",
            "check plan and billing there",
        ),
        (
            400,
            "temperature must be below 2",
            BackendRefused,
            f"{HERE} refuses the request (400): temperature must be below 2",
            None,
        ),
        (
            400,
            "maximum context length is 8192 tokens, your messages resulted in 9000",
            ContextOverflow,
            (
                "the prompt does not fit into the context of `openai/far`: "
                "maximum context length is 8192 tokens, your messages resulted in 9000"
            ),
            "shorten the prompt or take a model with a longer context",
        ),
        (500, "boom", BackendUnavailable, f"{HERE} failed (500): boom", None),
        (503, "overloaded", BackendUnavailable, f"{HERE} failed (503): overloaded", None),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_is_told_in_our_words(
    make: Make, status: int, text: str, kind: type[BackendError], message: str, hint: str | None, stream: bool
) -> None:
    server = Faulty(status=status, text=text)
    error = failure(server, make, stream=stream)
    assert type(error) is kind
    assert plain(error.message, server) == message
    assert error.hint == hint


@pytest.mark.parametrize(("header", "wait_s"), [("Retry-After: 7", 7.0), ("", None), ("Retry-After: soon", None)])
def test_a_rate_limit_says_how_long_to_wait(make: Make, header: str, wait_s: float | None) -> None:
    server = Faulty(status=429, text="slow down", header=header)
    error = failure(server, make)
    assert isinstance(error, RateLimited)
    assert error.retry_after_s == wait_s
    assert plain(error.message, server) == f"{HERE} refuses for now: slow down"


@pytest.mark.parametrize(
    ("fault", "stream", "message", "hint"),
    [
        ("reset", False, f"{HERE} did not answer", "is it running? `curl URL/models`"),
        ("reset", True, f"{HERE} did not answer", "is it running? `curl URL/models`"),
        ("midreset", True, f"{HERE} broke off its answer", None),
        ("midend", True, f"{HERE} broke off its answer", None),
        (
            "garbage",
            True,
            f"{HERE} sent an answer that cannot be read",
            "is there an OpenAI-compatible server?",
        ),
        (
            "truncated",
            False,
            f"{HERE} sent an answer that cannot be read",
            "is there an OpenAI-compatible server?",
        ),
    ],
)
def test_a_broken_connection_or_answer(make: Make, fault: str, stream: bool, message: str, hint: str | None) -> None:
    server = Faulty(fault=fault)
    error = failure(server, make, stream=stream)
    assert type(error) is BackendUnavailable
    assert str(plain(error.message, server)).partition(": ")[0] == message
    assert plain(error.hint, server) == hint


@pytest.mark.parametrize(
    ("model", "provider", "variable"),
    [
        ("openai/gpt-4.1-mini", "openai", "OPENAI_API_KEY"),
        ("anthropic/claude-haiku-4-5", "anthropic", "ANTHROPIC_API_KEY"),
        ("gemini/gemini-2.5-flash", "gemini", "GEMINI_API_KEY"),
        ("gpt-4.1-mini", "the provider of `gpt-4.1-mini`", "NAME_OF_ITS_KEY"),
    ],
)
def test_a_key_that_is_not_there(make: Make, model: str, provider: str, variable: str) -> None:
    async def main() -> None:
        backend = make(None, model)
        try:
            await backend.generate(ask())
        finally:
            await backend.close()

    with pytest.raises(BackendRefused) as caught:
        asyncio.run(main())
    assert caught.value.message == f"{provider} wants a key for `{model}`, and there is none"
    assert caught.value.hint == f'set `key: "${{{{ env.{variable} }}}}"` beside `use:`, and the variable itself'


@pytest.mark.parametrize(("fault", "stream"), [("stall", False), ("stall", True), ("midstall", True)])
def test_silence_times_out(make: Make, fault: str, stream: bool) -> None:
    server = Faulty(fault=fault)
    error = failure(server, make, stream=stream, timeout_s=0.4)
    assert type(error) is BackendTimeout
    assert plain(error.message, server) == f"{HERE} sent nothing for 0.4 s"
    assert error.hint == "give it more time: `timeout_s:`"


def test_a_server_that_is_not_there(make: Make) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"

    async def main() -> None:
        backend = make(url)
        try:
            await backend.generate(ask())
        finally:
            await backend.close()

    with pytest.raises(BackendUnavailable) as caught:
        asyncio.run(main())
    assert caught.value.message == f"the server at {url} did not answer"
    assert caught.value.hint == f"is it running? `curl {url}/models`"


@pytest.mark.parametrize("finish", ["content_filter", "stop"])
def test_an_answer_that_is_withheld(make: Make, finish: str) -> None:
    message = {"content": None} if finish == "content_filter" else {"content": None, "refusal": "I cannot"}
    error = failure(Faulty(answer=completion(message, finish)), make)
    assert type(error) is BackendRefused
    assert "withholds the answer: " in error.message


def test_a_key_is_in_no_message(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Faulty(status=401, text=f"Incorrect API key provided: {KEY}")
    error = failure(server, make, key=KEY)
    assert plain(error.message, server) == f"{HERE} refuses the key for `openai/far`: Incorrect API key provided: ***"
    assert error.hint == "check the value of `key:`: it is set, but wrong or expired"
    assert error.__cause__ is None
    assert f"Bearer {KEY}" in server.heads[0]
    monkeypatch.setenv("OTHER_API_KEY", "abcdefgh12345")
    target = Target("openai/far", "http://u:pass-word@far/v1", local=False, timeout_s=1, key=KEY)
    assert masked(f"{KEY} abcdefgh12345 pass-word", target) == "*** *** ***"
    assert target.where == "the server at http://far/v1"


def test_a_key_of_the_environment_goes_to_its_provider_only(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server = Faulty(status=500, text="boom")
    failure(server, make)
    assert KEY not in server.heads[0]


def test_a_provider_that_litellm_does_not_know(make: Make) -> None:
    with pytest.raises(ModelMissing) as caught:
        asyncio.run(make(None, "nowhere/far").generate(ask()))
    assert caught.value.message == "litellm does not know the provider of `nowhere/far`"
    assert caught.value.hint == "write `litellm/<provider>/<model>`: https://docs.litellm.ai/docs/providers"


def test_an_offline_run_talks_to_this_machine_only(make: Make) -> None:
    with pytest.raises(OfflineRefused) as caught:
        make(None, "openai/gpt-4.1-mini", offline=True)
    message = "`openai/gpt-4.1-mini` is on another machine (openai), and this run is offline"
    assert caught.value.message == message
    assert caught.value.hint == "run without `--offline`, or bind the model to one on this machine"
    with pytest.raises(OfflineRefused):
        make("http://127.0.0.1.evil.org/v1", offline=True)
    assert make("http://127.0.0.1:1/v1", offline=True).capabilities.remote is False
    assert make("http://localhost:1/v1", offline=True).capabilities.remote is False
    assert make(None).capabilities.remote is True
