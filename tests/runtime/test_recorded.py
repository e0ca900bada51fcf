"""Recorded runs from Python: paused, asked, resumed; and journals that fail while a run goes on."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

import agentspec
from agentspec import RunOptions
from agentspec.api.errors import AnswerRefused, CannotPause, JournalFailed, RunEnded, RunUnknown
from agentspec.api.events import Event, Question
from agentspec.api.journal import Entry
from agentspec.journal import SqliteJournal, journal_file
from agentspec.plan import compile_spec
from agentspec.runtime import Run
from agentspec.runtime.resuming import reopen
from agentspec.spec.parse import parse_text

from .agents import Workshop
from .memory import MemoryJournal

SPEC = """\
agentspec: 1
name: desk
models: {small: fake/echo}
nodes:
  draft: {lm: small, prompt: Hello.}
  ok: {controller: approve, show: "${{ draft }}", choices: [send, drop]}
result: ${{ ok }}
"""
HEAD = "agentspec: 1\nname: a\ntools: {work: work}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "agent.yaml").write_text(SPEC, encoding="utf-8")
    return tmp_path


def test_a_run_pauses_and_is_resumed_with_the_answer(folder: Path) -> None:
    paused = agentspec.run(agentspec.load(folder), journal=True)
    assert (paused.status, paused.result, paused.failure) == ("paused", None, None)
    assert [(one.path, one.question.show, one.question.choices) for one in paused.questions] == [
        ("ok", "Hello.", ("send", "drop"))
    ]
    ended = agentspec.resume(paused.run, {"ok": "drop"}, project=folder)
    assert (ended.run, ended.status, ended.result, ended.questions) == (paused.run, "ok", "drop", ())
    assert [use.calls for use in ended.nodes] == [1]


def test_a_callback_is_asked_and_may_leave_it_for_later(folder: Path) -> None:
    asked: list[tuple[str, Any]] = []
    answers: list[str | None] = ["send", None]

    async def ask(path: str, question: Question) -> str | None:
        asked.append((path, question.show))
        return answers.pop(0)

    options = RunOptions(ask=ask)
    agent = agentspec.load(folder)
    assert agentspec.run(agent, options=options).result == "send"
    later = agentspec.run(agent, options=options, journal=True)
    assert later.status == "paused"
    assert asked == [("ok", "Hello.")] * 2
    answers.append("drop")
    assert agentspec.resume(project=folder, options=options).result == "drop"


def test_a_person_is_not_shown_secrets(folder: Path) -> None:
    spec = SPEC.replace("fake/echo", '{use: fake/script, answers: ["it is ${{ secrets.THING }}"]}')
    (folder / "agent.yaml").write_text(spec, encoding="utf-8")
    asked: list[Any] = []

    async def ask(path: str, question: Question) -> str | None:
        asked.append(question.show)
        return None

    options = RunOptions(ask=ask, env={"THING": "canary-4711"})
    paused = agentspec.run(agentspec.load(folder), options=options, journal=True)
    agentspec.resume(project=folder, options=options)
    assert asked == ["it is ***"] * 2
    assert [one.question.show for one in paused.questions] == ["it is ***"]


def test_resuming_works_inside_an_event_loop(folder: Path) -> None:
    async def test() -> None:
        paused = await agentspec.arun(agentspec.load(folder), journal=True)
        with pytest.raises(AnswerRefused):
            await agentspec.aresume(paused.run, {"ok": "perhaps"}, project=folder)
        assert (await agentspec.aresume(paused.run, {"ok": "send"}, project=folder)).result == "send"

    asyncio.run(test())
    with pytest.raises(RunUnknown):
        agentspec.resume(project=folder)


def test_an_agent_that_asks_needs_somebody_to_ask_or_a_journal(folder: Path) -> None:
    heard: list[Event] = []
    with pytest.raises(CannotPause):
        agentspec.run(agentspec.load(folder), options=RunOptions(observers=[heard.append]))
    assert heard == []
    assert not (folder / ".agentspec").exists()


def test_a_run_that_ended_while_we_waited_for_it_is_not_run_again(folder: Path) -> None:
    class Late(SqliteJournal):
        def hold(self, run: str) -> AbstractContextManager[None]:
            self.mark(run, "ok", 1.0)
            return super().hold(run)

    paused = agentspec.run(agentspec.load(folder), journal=True)
    journal = Late(journal_file(folder))
    with pytest.raises(RunEnded), reopen(journal, paused.run):
        raise AssertionError("it had ended")
    journal.close()


class FullJournal(MemoryJournal):
    """Has room for so many events."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def append(self, run: str, entry: Entry) -> None:
        if len(self.rows) == self.room:
            raise JournalFailed("no space left on device")
        super().append(run, entry)


def recorded(text: str, journal: MemoryJournal, shop: Workshop | None = None) -> Any:
    shop = shop or Workshop()
    plan = compile_spec(parse_text(text), shop)
    run = Run(plan, shop, RunOptions(outputs=Path("/nonexistent")))
    run.record_in(journal, Path("agent.yaml"), {})
    return asyncio.run(run.execute({}))


def test_a_run_that_only_reads_goes_on_without_its_journal_and_says_so() -> None:
    nodes = "nodes: {a: {lm: m, prompt: x}, b: {lm: m, prompt: '${{ a }}'}}\n"
    journal = FullJournal(3)
    outcome = recorded(f"agentspec: 1\nname: a\nmodels: {{m: fake/echo}}\n{nodes}", journal)
    assert (outcome.status, outcome.result) == ("ok", "x")
    assert [failure.code for failure in outcome.problems] == ["AS620"]
    assert len(journal.rows) == 3


def test_a_run_that_would_pause_fails_without_its_journal() -> None:
    outcome = recorded(SPEC, FullJournal(3))
    assert outcome.status == "failed"
    assert outcome.failure.code == "AS620"


def test_a_tool_that_changes_something_waits_until_its_start_is_stored() -> None:
    seen: list[int] = []

    class Slow(MemoryJournal):
        async def stored(self) -> None:
            await asyncio.sleep(0.01)
            seen.append(len(self.rows))

    shop = Workshop()
    nodes = "nodes: {a: {tool: work.say, with: {text: x}}, b: {tool: work.post}}\nresult: ${{ a }}\n"

    @shop.toolset("work").tool(effect="write")
    def post() -> int:
        """Change something."""
        assert seen, "it was called before its start was stored"
        return len(seen)

    assert recorded(f"{HEAD}{nodes}", Slow(), shop).status == "ok"
    assert seen == [4]


def test_a_tool_that_changes_something_is_not_called_without_a_journal() -> None:
    shop = Workshop()
    called: list[int] = []

    @shop.toolset("work").tool(effect="write")
    def post() -> int:
        """Change something."""
        called.append(1)
        return 1

    outcome = recorded(
        "agentspec: 1\nname: a\ntools: {work: work}\nnodes: {b: {tool: work.post}}\n", FullJournal(1), shop
    )
    assert called == []
    assert (outcome.status, outcome.failure.code) == ("failed", "AS620")
