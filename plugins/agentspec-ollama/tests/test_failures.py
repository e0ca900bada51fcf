"""Every failure is a child of `BackendError`, with a message and a way out."""

from __future__ import annotations

import asyncio
import socket

import pytest
from conftest import Make, ask
from fake_ollama import FakeOllama

from agentspec.api import (
    BackendError,
    BackendRefused,
    BackendTimeout,
    BackendUnavailable,
    ModelBroken,
    ModelMissing,
    OfflineRefused,
    RateLimited,
    ToolOffer,
)

PORT = "PORT"
LOG = "its log tells why (`ollama serve`, or `journalctl -u ollama`); often memory ran out"
FOREIGN = f"is it Ollama? `curl http://127.0.0.1:{PORT}/api/version` shows its version"
BAD = f"the server at http://127.0.0.1:{PORT} does not speak Ollama's protocol: "


def failure(server: FakeOllama, make: Make, model: str = "qwen3:8b", **options: object) -> BackendError:
    """Return the error of a call, the same from `generate` and from `stream`."""

    async def main() -> BackendError:
        async with server.running():
            backend = make(server, model, **options)
            with pytest.raises(BackendError) as first:
                await backend.generate(ask())
            with pytest.raises(BackendError) as second:
                async for _ in backend.stream(ask()):
                    pass
            await backend.close()
        assert (type(first.value), first.value.message) == (type(second.value), second.value.message)
        return first.value

    return asyncio.run(main())


def plain(text: str | None, server: FakeOllama) -> str | None:
    return text and text.replace(server.url.rpartition(":")[2], PORT)


@pytest.mark.parametrize(
    ("fault", "kind", "message", "hint"),
    [
        ("reset", BackendUnavailable, f"ollama at http://127.0.0.1:{PORT} broke off its answer", LOG),
        ("midreset", BackendUnavailable, f"ollama at http://127.0.0.1:{PORT} broke off its answer", LOG),
        ("end", BackendUnavailable, f"ollama at http://127.0.0.1:{PORT} broke off its answer", LOG),
        ("garbage", BackendUnavailable, BAD + "`<html>oops</html>` is no JSON", FOREIGN),
        ("list", BackendUnavailable, BAD + "`[1, 2]` is no object", FOREIGN),
        ("utf8", BackendUnavailable, BAD + "a line that is not UTF-8", FOREIGN),
        ("shape", BackendUnavailable, BAD + "`content` is no text", FOREIGN),
        ("calls", BackendUnavailable, BAD + "a tool call has no name", FOREIGN),
        ("307", BackendUnavailable, BAD + "status 307, no reason given", FOREIGN),
        ("404", BackendUnavailable, BAD + "status 404, no reason given", FOREIGN),
        (
            "error",
            BackendUnavailable,
            (f"ollama at http://127.0.0.1:{PORT} failed (500): an error was encountered while running the model"),
            None,
        ),
        (
            "memory",
            ModelBroken,
            (
                f"ollama at http://127.0.0.1:{PORT} cannot load `qwen3:8b`: "
                "llama runner process has terminated: exit status 2"
            ),
            "free memory, or take a smaller model or a smaller `num_ctx:`",
        ),
        (
            "500 model requires more system memory (9.9 GiB) than is available (2.0 GiB)",
            ModelBroken,
            (
                f"ollama at http://127.0.0.1:{PORT} cannot load `qwen3:8b`: "
                "model requires more system memory (9.9 GiB) than is available (2.0 GiB)"
            ),
            "free memory, or take a smaller model or a smaller `num_ctx:`",
        ),
        (
            "503 server busy, please try again. maximum pending requests exceeded",
            BackendUnavailable,
            (
                f"ollama at http://127.0.0.1:{PORT} is busy: "
                "server busy, please try again. maximum pending requests exceeded"
            ),
            "fewer calls at once, or a larger OLLAMA_MAX_QUEUE on the server",
        ),
        (
            "401 unauthorized",
            BackendRefused,
            f"ollama at http://127.0.0.1:{PORT} does not let us in (401): unauthorized",
            "models of Ollama's cloud need `ollama signin` or OLLAMA_API_KEY",
        ),
        (
            "400 invalid format",
            BackendRefused,
            f"ollama at http://127.0.0.1:{PORT} refuses the request (400): invalid format",
            None,
        ),
        (
            "400 qwen3:8b does not support thinking",
            BackendRefused,
            "`qwen3:8b` does not think aloud",
            "leave `think:` out",
        ),
    ],
)
def test_a_fault_of_the_server_is_told_in_our_words(
    make: Make, fault: str, kind: type[BackendError], message: str, hint: str | None
) -> None:
    server = FakeOllama(fault=fault)
    error = failure(server, make)
    assert type(error) is kind
    assert plain(error.message, server) == message
    assert plain(error.hint, server) == hint


def test_a_rate_limit_says_how_long_to_wait(make: Make) -> None:
    error = failure(FakeOllama(fault="429 too many requests|Retry-After: 7"), make)
    assert isinstance(error, RateLimited)
    assert error.retry_after_s == 7.0
    assert error.message.endswith("refuses for now: too many requests")
    unknown = failure(FakeOllama(fault="429 too many requests|Retry-After: soon"), make)
    assert isinstance(unknown, RateLimited)
    assert unknown.retry_after_s is None


def test_a_stalled_stream_times_out(make: Make) -> None:
    server = FakeOllama(fault="stall")
    error = failure(server, make, timeout_s=0.3)
    assert type(error) is BackendTimeout
    assert plain(error.message, server) == f"ollama at http://127.0.0.1:{PORT} sent nothing for 0.3 s"
    assert error.hint == "give a large model more time to load: `timeout_s:`"


def test_a_server_that_is_not_there(make: Make) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(BackendUnavailable) as caught:
        asyncio.run(make(url).generate(ask()))
    assert caught.value.message == f"ollama did not answer at {url}"
    assert caught.value.hint == "start it with `ollama serve`"


@pytest.mark.parametrize(
    ("model", "hint"),
    [
        ("qwen3:4b", "`ollama pull qwen3:4b`, or did you mean `qwen3:8b`, which is there?"),
        ("tinny", "`ollama pull tinny`, or did you mean `tiny`, which is there?"),
        ("gemma", "`ollama pull gemma`"),
    ],
)
def test_a_model_that_is_not_pulled(make: Make, model: str, hint: str) -> None:
    server = FakeOllama()
    error = failure(server, make, model)
    assert type(error) is ModelMissing
    assert plain(error.message, server) == f"ollama at http://127.0.0.1:{PORT} has no model `{model}`"
    assert error.hint == hint


def test_a_model_that_is_removed_meanwhile(make: Make) -> None:
    error = failure(FakeOllama(fault="404 model 'qwen3:8b' not found"), make)
    assert type(error) is ModelMissing


def test_tools_for_a_model_without_tools(make: Make) -> None:
    async def main() -> None:
        async with FakeOllama(capabilities=["completion"]).running() as server:
            backend = make(server)
            with pytest.raises(BackendRefused, match=r"`qwen3:8b` does not take tools"):
                await backend.generate(ask(tools=(ToolOffer("a", "", {"type": "object"}),)))
            await backend.close()

    asyncio.run(main())


def test_an_offline_run_talks_to_this_machine_only(make: Make) -> None:
    with pytest.raises(OfflineRefused) as caught:
        make("http://gpu-box", offline=True)
    assert caught.value.message == "ollama at http://gpu-box:80 is another machine, and this run is offline"
    assert caught.value.hint == "run without `--offline`, or bind the model to a server on this machine"
    assert make("localhost", offline=True).capabilities.remote is False
    assert make("http://gpu-box").capabilities.remote is True


def test_an_offline_run_takes_no_model_of_the_cloud(make: Make) -> None:
    with pytest.raises(OfflineRefused, match=r"`gpt-oss:120b-cloud` runs in Ollama's cloud"):
        make("localhost", "gpt-oss:120b-cloud", offline=True)
    server = FakeOllama(remote_host="https://ollama.com")
    error = failure(server, make, offline=True)
    assert type(error) is OfflineRefused
    assert server.bodies == []


def test_a_model_of_the_cloud_is_remote_and_its_price_unknown(make: Make) -> None:
    async def main() -> None:
        async with FakeOllama(remote_host="https://ollama.com").running() as server:
            backend = make(server)
            reply = await backend.generate(ask())
            await backend.close()
            assert reply.usage.usd is None
            assert backend.capabilities.remote is True
            assert "num_ctx" not in server.bodies[0]["options"]

    asyncio.run(main())


def test_an_address_that_is_none(make: Make) -> None:
    with pytest.raises(BackendRefused) as caught:
        make("http://host:port")
    assert caught.value.message == "`http://host:port` is not the address of a server"
