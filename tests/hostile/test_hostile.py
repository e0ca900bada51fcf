"""Hostile models: no invalid value reaches a node or a tool, nothing hangs, nothing is left behind.

In this process about a thousand answers; `python -m tests.hostile.run` gives a hundred thousand.
"""

from __future__ import annotations

import asyncio
import warnings
from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

from agentspec.api import BackendUnavailable, RateLimited, Reply
from agentspec.api.events import LONGEST_WAIT_S, Failure
from agentspec.models.answers import read_answer
from agentspec.models.toolcalls import read_turn
from agentspec.testing.backends.watching import held

from .answers import said
from .desk import SAY, SORT, TALK, Judge, World, compiled, one_run
from .play import play
from .server import FAULTS, HostileServer


def test_a_thousand_answers_in_this_process() -> None:
    played = play(1000, seed=7)
    assert played.judge.wrong == []
    assert played.tasks_left == 0
    assert played.slowest < 20
    assert sum(played.answers.values()) >= 1000
    # The judge has seen something: values, calls and failures.
    assert min(played.judge.seen[where] for where in ("keep", "result", "look", "book", "hear", "failure")) > 5
    assert {"ok", "AS708", "AS705", "AS606", "AS612"} <= set(played.ends)


def test_a_script_is_the_same_again() -> None:
    first, again = ([said(rng, tools=True) for _ in range(300)] for rng in (Random(3), Random(3)))
    assert first == again
    assert len({one.kind for one in first}) > 25


def test_the_judge_sees_what_is_wrong() -> None:
    judge = Judge()
    good = {"category": "urgent", "priority": 3, "score": 0.5, "due": None, "tags": []}
    judge.triage(good, "here")
    assert judge.wrong == []
    for change in (
        {"priority": 6},
        {"priority": "3"},
        {"score": float("inf")},
        {"due": "2026-02-30"},
        {"tags": ["\ud800"]},
        {"a": 1},
    ):
        judge.triage(good | change, "here")
    assert len(judge.wrong) == 6


@pytest.mark.parametrize("asked", [float("inf"), float("nan"), -1.0, LONGEST_WAIT_S + 1])
def test_nobody_waits_as_long_as_a_provider_asks(asked: float) -> None:
    assert Failure.of("a", RateLimited("later", retry_after_s=asked)).retry_after_s is None
    assert Failure.of("a", RateLimited("later", retry_after_s=2.0)).retry_after_s == 2.0
    assert Failure.of("a", BackendUnavailable("gone")).retry_after_s is None


BACKENDS = {
    "ollama": "{use: ollama/hostile, host: URL, timeout_s: 0.2}",
    "litellm": "{use: litellm/openai/hostile, base_url: URL/v1, key: none, timeout_s: 0.2}",
}


@pytest.fixture(params=BACKENDS)
def binding(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    pytest.importorskip(f"agentspec_{request.param}")
    for name in ("OLLAMA_HOST", "OPENAI_API_KEY", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with warnings.catch_warnings():
        # From inside litellm; its plugin silences them, and pytest resets the filters for each test.
        warnings.filterwarnings("ignore", category=UserWarning)
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", message="coroutine .* was never awaited", category=RuntimeWarning)
        yield BACKENDS[request.param]


def test_a_hostile_server(binding: str) -> None:
    """Whole agents over HTTP, until every fault has been met several times."""
    judge, ends = Judge(), Counter[str]()
    world = World(judge)
    # litellm looks through the text of an error many times, for minutes where that has several megabytes.
    skipped = {"10 MB line", "gzip bomb"} if "litellm" in binding else set[str]()
    chosen = [fault for fault in FAULTS if fault not in skipped]

    async def main() -> Counter[str]:
        async with HostileServer(5, chosen).running() as server:
            model = binding.replace("URL", server.url)
            plans = [compiled(text, world, model, "600ms", "{times: 1, wait: 10ms}") for text in (SAY, SORT, TALK)]
            before, turn = None, 0
            while sum(server.faults.values()) < 3 * len(chosen):
                if turn == 30:
                    before = await held()
                plan = plans[turn % 3]
                outcome = await one_run(plan, world, judge, stream=turn % 2 == 1, crashes=lambda: False)
                ends[outcome.failure.code if outcome.failure else "ok"] += 1
                turn += 1
            assert before is not None
            after = await held(before, 2)
            assert after.beyond(before, 2) == []
            return server.faults

    faults = asyncio.run(main())
    assert judge.wrong == []
    assert set(faults) == set(chosen)
    assert ends["ok"] >= 3, ends
    assert {"AS701", "AS706", "AS605"} <= set(ends), ends


OUTPUT = {
    "type": "object",
    "properties": {
        "tags": {"type": "array", "items": {"type": "string"}},
        "due": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["tags"],
}


def test_half_a_character_is_no_value_wherever_it_stands() -> None:
    answer = read_answer(Reply('{"tags": ["a", "\\ud800"]}'), OUTPUT)
    assert answer.problems
    assert "surrogates not allowed" in answer.problems[0]
    assert read_answer(Reply("half \ud83d, whole 🙂"), None).value == "half \ufffd, whole 🙂"


def test_an_answer_beside_tools_has_null_for_what_is_absent() -> None:
    for native, text in ((True, '{"tags": []}'), (False, '{"answer": {"tags": []}}')):
        assert read_turn(Reply(text), OUTPUT, native).value == {"answer": {"tags": [], "due": None}}
