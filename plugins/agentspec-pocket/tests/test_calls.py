"""What an answer holds, and how calls behave beside each other."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from asking import ask, request
from tiny_gguf import write_tiny

from agentspec.api import BackendError, Reply
from agentspec.api.backend import Backend
from agentspec_pocket.backend import PocketBackend

Open = Callable[..., Backend]

SCHEMA = {
    "type": "object",
    "properties": {"kind": {"enum": ["one", "two"]}, "note": {"type": "string", "maxLength": 30}},
    "required": ["kind", "note"],
}


def test_a_reply_holds_usage_finish_and_name(open_model: Open, tiny: Path) -> None:
    reply = ask(open_model(tiny), output=SCHEMA)
    assert json.loads(reply.text)["kind"] in ("one", "two")
    assert (reply.finish, reply.enforced, reply.model) == ("stop", "constrained", str(tiny))
    assert reply.usage.usd == 0.0
    assert (reply.usage.tokens_in or 0) > 10
    assert (reply.usage.tokens_out or 0) > 10
    assert reply.usage.tokens_cached is not None


@pytest.mark.parametrize("text", ["plain", 'é€ü "quoted" ß', "ñ" * 20])
def test_logprobs_join_to_the_text(noise: Backend, text: str) -> None:
    reply = ask(noise, output={"const": text})
    assert reply.logprobs is not None
    assert "".join(token.text for token in reply.logprobs) == reply.text == json.dumps(text, ensure_ascii=False)
    assert all(token.logprob <= 0 for token in reply.logprobs)


def test_logprobs_are_left_out_when_nobody_wants_them(noise: Backend) -> None:
    assert ask(noise, output=SCHEMA, logprobs=False).logprobs is None


def test_an_answer_at_its_limit_is_marked_as_cut(noise: Backend) -> None:
    reply = ask(noise, output={"type": "string", "minLength": 50}, max_tokens=7)
    assert (reply.finish, reply.usage.tokens_out) == ("length", 7)


def test_a_stop_word_ends_free_text(noise: Backend) -> None:
    whole = ask(noise, max_tokens=20, seed=1, temperature=1, output={"const": "abcdefgh"}).text
    assert whole == '"abcdefgh"'
    assert ask(noise, max_tokens=20, output={"const": "abcdefgh"}, stop=("def",)).text == '"abc'


def test_the_same_seed_gives_the_same_answer(noise: Backend) -> None:
    texts = [ask(noise, output=SCHEMA, temperature=1.5, seed=seed).text for seed in (7, 8, 7)]
    assert texts[0] == texts[2] != texts[1]


def test_without_a_seed_sampling_varies(noise: Backend) -> None:
    assert len({ask(noise, output=SCHEMA, temperature=1.5).text for _ in range(4)}) > 1


def test_streaming_yields_the_pieces_of_the_reply(open_model: Open, tiny: Path) -> None:
    async def run() -> tuple[list[str], Reply, Reply]:
        backend = open_model(tiny)
        *pieces, last = [part async for part in backend.stream(request(output=SCHEMA))]
        again = await backend.generate(request(output=SCHEMA))
        await backend.close()
        assert isinstance(last, Reply)
        return [str(piece) for piece in pieces], last, again

    pieces, last, again = asyncio.run(run())
    assert len(pieces) > 5
    assert "".join(pieces) == last.text == again.text


def test_eight_calls_at_once_answer_as_they_do_alone(open_model: Open, tiny: Path) -> None:
    async def run(parallel: int) -> None:
        backend = open_model(tiny, parallel=parallel)
        asked = [request(f"Message number {n}: {'so ' * n}", output=SCHEMA) for n in range(8)]
        alone = [await backend.generate(one) for one in asked]
        together = await asyncio.gather(*(backend.generate(one) for one in asked))
        assert [reply.text for reply in together] == [reply.text for reply in alone]
        await backend.close()

    for parallel in (1, 3):
        asyncio.run(run(parallel))


def test_the_event_loop_keeps_running_during_a_call(open_model: Open, tiny: Path) -> None:
    async def run() -> None:
        backend = open_model(tiny)
        await backend.generate(request(output=SCHEMA))
        call = asyncio.create_task(backend.generate(request(output={"type": "string", "minLength": 200})))
        turns = 0
        while not call.done():
            await asyncio.sleep(0.001)
            turns += 1
        assert turns > 5
        await backend.close()

    asyncio.run(run())


LONG = {"type": "array", "items": {"type": "string", "minLength": 100, "maxLength": 100}, "minItems": 100}


def test_a_cancelled_call_frees_its_slot(open_model: Open, tmp_path: Path) -> None:
    path = write_tiny(tmp_path / "roomy.gguf", context=1 << 16)

    async def run() -> None:
        backend = open_model(path, context=1 << 16)
        assert isinstance(backend, PocketBackend)
        await backend.generate(request(output={"type": "boolean"}))
        call = asyncio.create_task(backend.generate(request(output=LONG)))
        waiting = asyncio.create_task(backend.generate(request(output=LONG)))
        await asyncio.sleep(0.1)
        assert not call.done()
        started = time.perf_counter()
        for task in (call, waiting):
            task.cancel()
        assert all(isinstance(end, asyncio.CancelledError) for end in
                   await asyncio.gather(call, waiting, return_exceptions=True))  # fmt: skip
        reply = await backend.generate(request(output={"type": "boolean"}))
        assert reply.text in ("true", "false")
        assert time.perf_counter() - started < 2
        await backend.close()

    asyncio.run(run())


def test_leaving_a_stream_ends_the_generation(open_model: Open, tmp_path: Path) -> None:
    path = write_tiny(tmp_path / "roomy.gguf", context=1 << 16)

    async def run() -> None:
        backend = open_model(path, context=1 << 16)
        pieces = backend.stream(request(output=LONG))
        assert await anext(pieces)
        await pieces.aclose()  # type: ignore[attr-defined]
        reply = await asyncio.wait_for(backend.generate(request(output={"type": "boolean"})), 2)
        assert reply.text in ("true", "false")
        await backend.close()

    asyncio.run(run())


def test_closing_ends_what_runs_and_may_be_repeated(open_model: Open, tmp_path: Path) -> None:
    path = write_tiny(tmp_path / "roomy.gguf", context=1 << 16)

    async def run() -> None:
        backend = open_model(path, context=1 << 16)
        call = asyncio.create_task(backend.generate(request(output=LONG)))
        await asyncio.sleep(0.2)
        await asyncio.wait_for(backend.close(), 5)
        with pytest.raises(BackendError, match="closed"):
            await call
        await backend.close()
        with pytest.raises(BackendError, match="closed"):
            await backend.generate(request())

    asyncio.run(run())


def test_bindings_of_one_file_share_one_model(open_model: Open, tiny: Path) -> None:
    async def run() -> None:
        first, second, other = open_model(tiny), open_model(tiny, temperature=1), open_model(tiny, threads=2)
        assert isinstance(first, PocketBackend)
        assert isinstance(second, PocketBackend)
        assert isinstance(other, PocketBackend)
        assert first.model is second.model is not other.model
        assert (await first.generate(request(output=SCHEMA))).text
        await first.close()
        assert (await second.generate(request(output=SCHEMA))).text
        await asyncio.gather(second.close(), other.close())

    asyncio.run(run())


def test_nothing_is_printed(tiny: Path) -> None:
    script = (
        "import asyncio, sys; from pathlib import Path; from agentspec.api import *;"
        "from agentspec_pocket.plugin import agentspec_register_backends as register; [f] = register();"
        "b = f.create(ModelBinding(sys.argv[1], f.options(), Path.cwd()));"
        "r = Request((Message('user', 'x'),), output={'type': 'object'}, max_tokens=20);"
        "asyncio.run(b.generate(r)); asyncio.run(b.close())"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tiny)], capture_output=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == (b"", b"")
