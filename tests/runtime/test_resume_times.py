"""What time means to a run that was cut off or paused: tests set the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from agentspec.api.errors import BackendUnavailable
from agentspec.api.events import Event, Failure, Meta, Question, RunCancelled, RunFinished, StepStarted, StepSucceeded
from agentspec.api.tool import Effect
from agentspec.kernel import StartStep
from agentspec.nodes.services import Ask, CallBlock, Waiting
from agentspec.plan.model import Plan
from agentspec.plan.work import ApproveWork, FreeWork
from agentspec.runtime.driver import Driver
from agentspec.runtime.replay import replay

from ..kernel.builder import TWICE, Draft, always, block, caller, loop, plan, tool
from .agents import compiled
from .memory import Clock, MemoryJournal

OK = "nodes: {ok: {controller: approve, show: 1, choices: [go, stop], timeout: 60s, on_timeout: stop}}\n"
BESIDE = OK.replace("nodes: {", "nodes: {slow: {lm: m, prompt: x}, ")


class Case:
    """One run over several processes. Steps sleep for `naps[path]` seconds and fail `fails[path]` times."""

    def __init__(self, made: Plan | str) -> None:
        self.plan = compiled(made) if isinstance(made, str) else made
        self.clock = Clock()
        self.journal = MemoryJournal()
        self.naps: dict[str, float] = {}
        self.fails: dict[str, int] = {}
        self.started: list[tuple[str, float]] = []
        self.heard: list[Event] = []

    async def _execute(self, command: StartStep, call: CallBlock) -> tuple[Any, Meta]:
        work = command.node.work
        self.started.append((command.path, self.clock()))
        if isinstance(work, ApproveWork):
            question = Question(work.show(command.lookup), work.choices, work.by, work.timeout_s, work.on_timeout)
            raise Waiting(question, self.clock())
        if isinstance(work, FreeWork):
            for name in work.blocks:
                await call(command.path, name, {"args": {}})
        await asyncio.sleep(self.naps.get(command.path, 0))
        if self.fails.get(command.path, 0) > 0:
            self.fails[command.path] -= 1
            raise BackendUnavailable("no")
        return command.path, Meta()

    def _driver(self, ask: Ask | None) -> Driver:
        recording = self.journal.recording(self.clock)

        def observe(event: Event) -> None:
            self.heard.append(event)
            recording.note(event)

        return Driver(self.plan, self._execute, observe, recording, ask, self.clock)

    def run(self, *, cut_after: float | None = None, ask: Ask | None = None) -> RunFinished:
        return self._go(lambda driver: driver.run({}), cut_after, ask)

    def resume(
        self, answers: Iterable[StepSucceeded] = (), *, cut_after: float | None = None, ask: Ask | None = None
    ) -> RunFinished:
        past = replay(self.plan, self.journal.entries(""))
        return self._go(lambda driver: driver.resume(past, answers), cut_after, ask)

    def _go(self, begin: Any, cut_after: float | None, ask: Ask | None) -> Any:
        """With `cut_after`, the process dies after that many seconds; the last event is a note that tells the time."""

        async def go() -> Any:
            driver = self._driver(ask)
            if cut_after is None:
                return await begin(driver)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(begin(driver), cut_after)
            [cut] = [at for at, row in enumerate(self.journal.rows) if row[1] == "RunCancelled"][-1:]
            del self.journal.rows[cut + 1 :]
            return None

        return self.clock.run(go())


async def never(path: str, question: Question) -> str | None:
    await asyncio.sleep(1e9)
    return None


async def nobody(path: str, question: Question) -> str | None:
    return None


def test_a_retry_that_waits_goes_on_waiting_after_a_restart() -> None:
    case = Case(plan(block(Draft("a", retry=TWICE))))  # waits of 1 and 3 seconds
    case.fails["a"] = 2
    case.run(cut_after=2.0)  # in the second wait, which ends at 1004
    case.clock.now = 1002.5
    assert case.resume().status == "ok"
    assert case.started == [("a", 1000.0), ("a", 1001.0), ("a", 1004.0)]


def test_a_retry_whose_wait_is_over_starts_at_once() -> None:
    case = Case(plan(block(Draft("a", retry=TWICE))))
    case.fails["a"] = 2
    case.run(cut_after=2.0)
    case.clock.now = 2000.0
    assert case.resume().status == "ok"
    assert case.started[-1] == ("a", 2000.0)


@pytest.mark.parametrize("later", [1000.5, 2000.0])
def test_a_controller_that_waits_for_its_retry_is_opened_after_a_restart(later: float) -> None:
    case = Case(plan(block(Draft("rounds", loop(block(Draft("x")), 1), retry=TWICE))))
    case.fails["rounds#1/x"] = 1
    case.run(cut_after=0.5)
    case.clock.now = later
    assert case.resume().status == "ok"
    assert case.started == [("rounds#1/x", 1000.0), ("rounds#1/x", max(later, 1001.0))]
    assert replay(case.plan, case.journal.entries("")).state.finished == RunFinished(
        "ok", {"rounds": {"x": "rounds#1/x"}}
    )


def test_a_caller_that_is_tried_again_calls_anew_and_one_that_was_cut_off_gets_what_it_got() -> None:
    inner = block(Draft("x"), label="p")
    case = Case(plan(block(Draft("c", caller(inner), retry=TWICE))))
    case.fails["c"] = 1
    case.naps["c"] = 1.0
    case.run(cut_after=2.5)  # after the call of its second attempt, which begins at 1002
    assert case.resume().status == "ok"
    assert [path for path, _ in case.started] == ["c", "c/p#1/x", "c", "c/p#1/x", "c"]


def test_only_a_tool_that_was_cut_off_is_doubtful_and_not_the_step_that_calls_it() -> None:
    asks = block(Draft("ok", ApproveWork(always(1), ("yes",))), label="p")
    pays = block(Draft("pay", tool(Effect.WRITE)), label="q")
    case = Case(plan(block(Draft("c", caller(asks, pays)))))
    assert case.run().status == "paused"
    assert replay(case.plan, case.journal.entries("")).doubtful() == []
    case.naps["c/q#2/pay"] = 10
    case.resume([StepSucceeded("c/p#1/ok", "yes", Meta())], cut_after=1.0)
    assert replay(case.plan, case.journal.entries("")).doubtful() == ["c/q#2/pay"]


def test_the_time_of_a_controller_stands_still_while_nothing_runs() -> None:
    case = Case(plan(block(Draft("rounds", loop(block(Draft("x")), 1), timeout_s=10.0))))
    case.naps["rounds#1/x"] = 100
    case.run(cut_after=4.0)
    case.clock.now = 5000.0
    ended = case.resume()
    assert ended.failure is not None
    assert ended.failure.code == "AS605"
    assert case.clock() == 5006.0


def test_the_limit_on_time_counts_what_was_used_before() -> None:
    case = Case("limits: {wall: 10s}\nnodes: {a: {lm: m, prompt: x}}")
    case.naps["a"] = 100
    case.run(cut_after=4.0)
    case.clock.now = 5000.0
    ended = case.resume()
    assert ended.failure is not None
    assert ended.failure.code == "AS610"
    assert case.clock() == 5006.0


def test_a_question_that_nobody_answered_in_time_has_its_answer_when_the_run_is_resumed() -> None:
    case = Case(OK)
    assert case.run().status == "paused"
    case.clock.now = 1061.0
    assert case.resume().result == "stop"
    assert case.started == [("ok", 1000.0)], "it was asked once"


def test_a_question_is_open_for_the_rest_of_its_time_after_a_restart() -> None:
    case = Case(OK)
    case.run()
    case.clock.now = 1020.0
    assert case.resume(ask=never).result == "stop"
    assert case.clock() == 1060.0


def test_a_question_without_an_answer_for_silence_fails_its_node() -> None:
    case = Case(OK.replace(", on_timeout: stop", ""))
    case.run()
    case.clock.now = 1061.0
    ended = case.resume()
    assert ended.failure is not None
    assert (ended.failure.code, ended.failure.path) == ("AS605", "ok")


def test_a_question_whose_time_ends_while_others_work_does_not_pause_the_run() -> None:
    case = Case(BESIDE + "result: ${{ ok }}")
    case.naps["slow"] = 100
    assert case.run().result == "stop"
    assert case.clock() == 1100.0


def test_a_run_pauses_only_when_nothing_else_can_go_on() -> None:
    case = Case(BESIDE + "result: ${{ ok }}")
    case.naps["slow"] = 30
    assert case.run().status == "paused"
    assert case.clock() == 1030.0
    assert case.heard[-1].paths == ("ok",)  # type: ignore[union-attr]
    answer = StepSucceeded("ok", "go", Meta())
    assert case.resume([answer]).result == "go"


def test_a_person_who_does_not_answer_now_leaves_the_run_paused() -> None:
    case = Case(OK)
    assert case.run(ask=nobody).status == "paused"
    assert case.resume(ask=nobody).status == "paused"


def test_an_answer_that_is_no_choice_fails_the_node() -> None:
    async def wrong(path: str, question: Question) -> str:
        return "maybe"

    ended = Case(OK).run(ask=wrong)
    assert ended.failure is not None
    assert (ended.failure.code, ended.failure.path) == ("AS617", "ok")


def test_a_question_that_no_longer_matters_is_dropped_at_once() -> None:
    dropped: list[tuple[str, float]] = []

    async def ask(path: str, question: Question) -> str | None:
        try:
            return await never(path, question)
        except asyncio.CancelledError:
            dropped.append((path, case.clock()))
            raise

    inner = block(Draft("ok", ApproveWork(always(1), ("yes",))), Draft("fails"))
    case = Case(plan(block(Draft("rounds", loop(inner, 1), on_error="skip"), Draft("slow"))))
    case.naps = {"rounds#1/fails": 1, "slow": 30}
    case.fails["rounds#1/fails"] = 1
    assert case.run(ask=ask).status == "ok"
    assert (dropped, case.clock()) == ([("rounds#1/ok", 1001.0)], 1030.0)


def test_an_interrupted_run_is_where_it_was_before_the_interruption() -> None:
    case = Case("nodes: {a: {lm: m, prompt: x}, b: {lm: m, prompt: x, after: [a]}}")
    case.naps["b"] = 10
    case.run(cut_after=1.0)
    kinds = [name for _, name, _ in case.journal.rows]
    assert kinds[-1] == "RunCancelled"
    past = replay(case.plan, case.journal.entries(""))
    assert past.state.finished is None
    assert list(past.state.running) == ["b"]
    assert past.active_s == 1.0


def test_a_cancellation_for_another_reason_is_the_end() -> None:
    case = Case("nodes: {a: {lm: m, prompt: x}}")
    case.naps["a"] = 10
    case.run(cut_after=1.0)
    entries = case.journal.entries("")[:-1]
    stopped = RunCancelled(Failure("", "AS610", "the limit is reached"))
    past = replay(case.plan, [*entries, entries[-1]._replace(event=stopped)])
    assert past.state.finished is not None
    assert past.state.finished.status == "failed"


def test_a_step_that_was_cut_off_twice_counts_once() -> None:
    case = Case("nodes: {a: {lm: m, prompt: x}, b: {lm: m, prompt: x, after: [a]}}")
    case.naps["b"] = 10
    case.run(cut_after=1.0)
    case.clock.now = 5000.0
    case.resume(cut_after=1.0)
    past = replay(case.plan, case.journal.entries(""))
    assert past.active_s == 2.0
    assert past.budgets.run.steps == 1, "`b` counts when it runs again"
    assert [event.path for event in past.events if isinstance(event, StepStarted)] == ["a"]
    case.naps["b"] = 0
    case.resume()
    whole = replay(case.plan, case.journal.entries(""))
    assert whole.budgets.run.steps == 2
    assert [event.path for event in whole.events if isinstance(event, StepStarted)] == ["a", "b"]


def test_a_value_is_shown_to_the_person_as_it_was_when_it_was_asked() -> None:
    case = Case(plan(block(Draft("ok", ApproveWork(always({"to": "anna"}), ("yes",))))))
    case.run()
    asked = replay(case.plan, case.journal.entries("")).state.paused["ok"]
    assert (asked.question.show, asked.asked) == ({"to": "anna"}, 1000.0)
