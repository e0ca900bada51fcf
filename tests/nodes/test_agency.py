"""Language-model agency: what a model may call, what it is told, and when it is stopped."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from agentspec.api import BackendRefused, Capabilities, Reply, Request, ToolCall, Usage
from agentspec.runtime.trajectory import shorten

from .desk import Desk, Watched, call, calls, compiled, outcome_of, says, told

TALK = """
nodes:
  talk: {lm: m, prompt: When?, tools: [desk.look, desk.slots, desk.refuse, desk.huge, desk.wait], max_turns: 4}
"""


def talk(*replies: Reply, spec: str = TALK, native: bool = True) -> tuple[Any, Desk]:
    desk = Desk(replies, native=native)
    return outcome_of(spec, desk), desk


def test_the_model_calls_tools_until_it_answers() -> None:
    outcome, desk = talk(calls(call("desk_look", day=1), call("desk_slots", day=2, count=1)), says("At nine."))
    assert outcome.result == "At nine."
    assert desk.calls == ["look 1", "slots 2 1"]
    first, second = desk.played.requests
    assert [one.name for one in first.tools][:2] == ["desk_look", "desk_slots"]
    assert [message.content for message in told(second)] == ["day 1 is free", '[{"day": 2, "hour": 9}]']
    assert list(outcome.trajectory) == ["LM", "T1", "T2", "LM"]


def test_meta_of_the_node_is_that_of_all_its_turns() -> None:
    spec = """
    nodes:
      talk: {lm: m, prompt: When?, tools: desk.look, max_turns: 4}
    result: {tokens: "${{ meta.talk.tokens }}", usd: "${{ meta.talk.usd }}", said: "${{ talk }}"}
    """
    outcome, _ = talk(calls(call("desk_look", day=1)), says("Fine."), spec=spec)
    assert outcome.result == {"tokens": 30, "usd": 0.0, "said": "Fine."}
    rows = {use.path: (use.steps, use.calls, use.tokens_in) for use in outcome.nodes}
    assert rows == {"talk/lm": (2, 2, 20), "talk/desk.look": (1, 0, 0)}


def test_a_wildcard_offers_the_whole_toolset() -> None:
    spec = "nodes: {talk: {lm: m, prompt: x, tools: ['desk.*'], max_turns: 2}}"
    outcome, desk = talk(says("Yes."), spec=spec)
    assert outcome.status == "ok"
    assert [one.name for one in desk.played.requests[0].tools] == [f"desk_{name}" for name in desk.desk.tools]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, '"day" is a required property'),
        ({"day": "one"}, "day: "),
        ({"day": 1, "hour": 2}, "hour"),
        ("day: 1", "is not of type"),
        ([1], "is not of type"),
        (None, "is not of type"),
        ({"day": float("nan")}, "no JSON"),
        ({"day": "\ud800"}, "no JSON"),
        ({"day": "x" * 200_000}, "longer than"),
        ({"day": {1: {2, 3}}}, "no JSON"),
    ],
)
def test_arguments_that_do_not_fit_go_back_and_no_tool_runs(arguments: Any, said: str) -> None:
    outcome, desk = talk(calls(ToolCall("a", "desk_look", arguments)), says("Sorry."))
    assert (outcome.result, desk.calls) == ("Sorry.", [])
    [result] = told(desk.played.requests[1])
    assert result.content.startswith("Nothing was called, since the arguments do not fit: ")
    assert said in result.content
    [shown] = desk.played.requests[1].messages[-2].tool_calls
    json.dumps(shown.arguments, allow_nan=False, ensure_ascii=False).encode()
    assert isinstance(shown.arguments, dict)


def test_very_deep_arguments_are_refused() -> None:
    deep: Any = 1
    for _ in range(5_000):
        deep = [deep]
    outcome, desk = talk(calls(call("desk_look", day=deep)), says("Sorry."))
    assert outcome.result == "Sorry."
    assert "nested deeper than 64" in told(desk.played.requests[1])[0].content


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("desk_lok", "There is no tool `desk_lok`. Did you mean `desk_look`?"),
        ("\x1b[2J\nrm -rf" + "y" * 1000, "There is no tool `_2J_rm_-rf" + "y" * 53),
        ("", "There is no tool ``. There are: desk_look, desk_slots"),
    ],
)
def test_a_tool_that_is_not_there_is_said_and_its_name_is_harmless(name: str, said: str) -> None:
    outcome, desk = talk(calls(ToolCall("a", name, {})), says("Sorry."))
    assert (outcome.result, desk.calls) == ("Sorry.", [])
    assert told(desk.played.requests[1])[0].content.startswith(said)
    [shown] = desk.played.requests[1].messages[-2].tool_calls
    assert 0 < len(shown.name) <= 64
    assert shown.name.replace("_", "").replace("-", "").isascii()


def test_a_tool_that_fails_is_told_to_the_model_without_control_characters() -> None:
    outcome, desk = talk(calls(call("desk_refuse")), says("It is locked."))
    assert (outcome.status, outcome.result) == ("ok", "It is locked.")
    assert told(desk.played.requests[1])[0].content == "The tool failed: the drawer is\ufffd[31m locked"
    [use] = [use for use in outcome.nodes if use.path == "talk/desk.refuse"]
    assert (use.steps, use.failed) == (0, 1)


def test_a_long_result_is_cut_and_the_model_is_told() -> None:
    _, desk = talk(calls(call("desk_huge")), says("Much."))
    [result] = told(desk.played.requests[1])
    assert result.content == "x" * 20_000 + "\n… (cut: these are the first 20,000 of 100,000 characters)"


@pytest.mark.parametrize("given", ["same", "", "i" * 500, "ü"])
def test_every_call_has_an_id_of_its_own(given: str) -> None:
    asks = calls(call("desk_look", given, day=1), call("desk_look", given, day=2))
    _, desk = talk(asks, calls(call("desk_look", given, day=3)), says("Done."))
    last = desk.played.requests[2].messages
    made = [one.id for message in last for one in message.tool_calls]
    assert len(set(made)) == 3
    assert [message.tool_call_id for message in last if message.role == "tool"] == made
    assert all(0 < len(one) <= 64 and one.isascii() for one in made)


def test_ids_of_providers_are_kept() -> None:
    _, desk = talk(calls(call("desk_look", "toolu_01", day=1)), says("Done."))
    assert told(desk.played.requests[1])[0].tool_call_id == "toolu_01"


def test_no_more_than_32_calls_are_made_in_a_turn() -> None:
    _, desk = talk(calls(*(call("desk_look", day=day) for day in range(1_000))), says("Done."))
    assert len(desk.calls) == 32
    results = [message.content for message in told(desk.played.requests[1])]
    assert results[31] == "day 31 is free"
    assert "at most 32 calls" in results[32]


def test_the_calls_of_a_turn_run_at_the_same_time_and_come_back_in_order() -> None:
    desk = Desk([calls(call("desk_wait", gate="slow"), call("desk_wait", gate="quick")), says("Done.")])

    async def run() -> None:
        watched = Watched(compiled(TALK, desk), desk)
        task = asyncio.ensure_future(watched.run.execute({}))
        async with asyncio.timeout(5):
            while len(desk.gates) < 2:
                await asyncio.sleep(0.001)
        desk.gates["quick"].set()
        await asyncio.sleep(0.01)
        desk.gates["slow"].set()
        outcome = await task
        assert [message.content for message in told(desk.played.requests[1])] == ["slow", "quick"]
        assert shorten(list(outcome.trajectory)) == "LM T5×2 LM"

    asyncio.run(run())


def test_the_last_turn_offers_no_tools_and_says_so() -> None:
    spec = "nodes: {talk: {lm: m, prompt: When?, tools: desk.look, max_turns: 2, output: {hour: integer}}}"
    outcome, desk = talk(calls(call("desk_look", "a", day=1)), says({"hour": 9}), spec=spec)
    assert outcome.result == {"hour": 9}
    first, last = desk.played.requests
    assert len(first.tools) == 1
    assert '"hour"' in first.messages[0].content
    assert last.tools == ()
    assert last.output is not None
    assert [message.role for message in last.messages] == ["user", "assistant", "user"]
    assert last.messages[1].content == '{"tool": "desk_look", "arguments": {"day": 1}}'
    assert last.messages[2].content.startswith("Result:\nday 1 is free\n\nNo tool can be used any more.")


def test_a_model_that_calls_in_its_last_turn_gave_no_answer() -> None:
    spec = "nodes: {talk: {lm: m, prompt: When?, tools: desk.look, max_turns: 2}}"
    outcome, desk = talk(calls(call("desk_look", day=1)), calls(call("desk_look", day=2)), spec=spec)
    assert (outcome.failure.code, outcome.failure.path) == ("AS612", "talk")
    assert "used its 2 turns and gave no answer" in outcome.failure.message
    assert desk.calls == ["look 1"]


def test_the_same_call_with_the_same_result_three_times_in_a_row_is_no_progress() -> None:
    outcome, desk = talk(calls(call("desk_look", day=1)), spec=TALK.replace("max_turns: 4", "max_turns: 9"))
    assert outcome.failure.code == "AS612"
    assert 'no progress: `desk_look` with {"day": 1} gave the same in 3 turns' in outcome.failure.message
    assert len(desk.played.requests) == 3


def test_calls_that_differ_are_progress() -> None:
    same, other = call("desk_look", day=1), call("desk_look", day=2)
    turns = [calls(same), calls(same), calls(other), calls(same), calls(same, other), calls(same), says("Done.")]
    outcome, _ = talk(*turns, spec=TALK.replace("max_turns: 4", "max_turns: 9"))
    assert outcome.result == "Done."


def test_one_call_three_times_in_one_turn_is_still_one_turn() -> None:
    same = call("desk_look", day=1)
    outcome, _ = talk(calls(same, same, same), says("Done."))
    assert outcome.result == "Done."


def test_an_answer_that_does_not_fit_is_repaired_within_its_turn() -> None:
    spec = "nodes: {talk: {lm: m, prompt: When?, tools: desk.look, max_turns: 3, output: {hour: integer}}}"
    turns = [calls(call("desk_look", day=1)), says("nine"), says({"hour": 9})]
    outcome, desk = talk(*turns, spec=spec)
    assert outcome.result == {"hour": 9}
    assert "not JSON" in desk.played.requests[2].messages[-1].content
    [use] = [use for use in outcome.nodes if use.path == "talk/lm"]
    assert (use.steps, use.calls) == (2, 3)


def test_the_node_and_every_turn_and_every_call_of_a_tool_is_a_step() -> None:
    replies = [calls(call("desk_look", day=1)), says("Done.")]
    for most, code in ((4, None), (3, "AS610")):
        outcome, _ = talk(*replies, spec=f"limits: {{steps: {most}}}{TALK}")
        assert (outcome.failure.code if outcome.failure else None) == code


def test_limits_count_each_turn() -> None:
    outcome, desk = talk(calls(call("desk_look", day=1)), says("Done."), spec=f"limits: {{lm_calls: 1}}{TALK}")
    assert outcome.failure.code == "AS610"
    assert len(desk.played.requests) == 1


def test_a_node_that_takes_too_long_stops_its_tools() -> None:
    spec = TALK.replace("max_turns: 4", "max_turns: 4, timeout: 50ms")
    outcome, desk = talk(calls(call("desk_wait", gate="g")), spec=spec)
    assert outcome.failure.code == "AS605"
    assert desk.stopped == ["g"]


SCRIPT = """
models: {{m: {{use: fake/script, answers: {answers}}}}}
nodes:
  talk:
    {{lm: m, system: Be brief., prompt: When?, tools: [desk.look, desk.book], max_turns: 3, output: {{hour: integer}}}}
"""


def scripted(*answers: Any) -> tuple[Any, Desk]:
    desk = Desk()
    return outcome_of(SCRIPT.format(answers=json.dumps(answers)), desk), desk


def test_a_model_without_tools_of_its_own_calls_them_as_json() -> None:
    outcome, desk = scripted({"tool": "desk_look", "arguments": {"day": 3}}, {"answer": {"hour": 9}})
    assert (outcome.result, desk.calls) == ({"hour": 9}, ["look 3"])


@pytest.mark.parametrize("given", [[], 0, "", "x", {"day": "?"}])
def test_there_too_arguments_that_do_not_fit_go_back(given: Any) -> None:
    outcome, desk = scripted({"tool": "desk_look", "arguments": given}, {"answer": {"hour": 9}})
    assert (outcome.result, desk.calls) == ({"hour": 9}, [])


def test_what_is_neither_a_call_nor_an_answer_is_repaired() -> None:
    outcome, desk = scripted("At nine.", {"answer": {"hour": 9}})
    assert outcome.result == {"hour": 9}
    outcome, desk = scripted({"answer": {"hour": "nine"}}, {"answer": {"hour": 9}})
    assert (outcome.result, desk.calls) == ({"hour": 9}, [])


def test_such_a_model_sees_one_system_message_and_alternating_turns() -> None:
    replies = [
        says({"tool": "desk_look", "arguments": {"day": 3}}),
        says({"tool": "desk_look", "arguments": {"day": 4}}),
        says({"answer": {"hour": 9}}),
    ]
    desk = Desk(replies, native=False)
    outcome = outcome_of(SCRIPT.split("\n", 2)[2].replace("{{", "{").replace("}}", "}"), desk)
    assert outcome.result == {"hour": 9}
    first, _, last = desk.played.requests
    assert [message.role for message in last.messages] == ["system", *["user", "assistant"] * 2, "user"]
    assert '{"tool": "desk_look"' in first.messages[0].content
    assert first.messages[0].content.endswith("Be brief.")
    assert first.output is not None
    assert [list(one["properties"]) for one in first.output["anyOf"]] == [["answer"], *[["tool", "arguments"]] * 2]
    assert last.output is not None
    assert list(last.output["properties"]) == ["answer"]


def test_an_agent_is_a_tool_too(tmp_path: Any) -> None:
    text = """
    agentspec: 1
    name: finder
    description: Finds a free hour.
    inputs: {day: integer, count: {type: integer, default: 1}}
    tools: {desk: desk}
    nodes: {find: {tool: desk.slots, with: {day: "${{ inputs.day }}", count: "${{ inputs.count }}"}}}
    """
    (tmp_path / "finder.yaml").write_text("\n".join(line[4:] for line in text.strip("\n").split("\n")))
    spec = "nodes: {talk: {lm: m, prompt: When?, tools: [./finder.yaml, desk.look], max_turns: 4}}"
    desk = Desk([calls(call("finder", day=7), call("finder", day="x")), says("Nine.")])
    outcome = outcome_of(spec, desk, folder=tmp_path)
    assert (outcome.result, desk.calls) == ("Nine.", ["slots 7 1"])
    good, bad = told(desk.played.requests[1])
    assert good.content == '[{"day": 7, "hour": 9}]'
    assert "do not fit" in bad.content
    assert desk.played.requests[0].tools[0].description == "Finds a free hour."
    assert list(outcome.trajectory) == ["LM", "T1", "LM"]
    assert [use.path for use in outcome.nodes] == ["talk/lm", "talk/finder/find", "talk/desk.look"]


def test_a_model_that_turns_out_to_take_no_tools_is_asked_in_the_other_way() -> None:
    desk = Desk([says({"tool": "desk_look", "arguments": {"day": 3}}), says({"answer": "Nine."})])
    generate = desk.played.generate

    async def refuses_first(request: Request) -> Reply:
        if request.tools:
            desk.played.capabilities = Capabilities("native", tools=False)
            raise BackendRefused("this model does not take tools")
        return await generate(request)

    desk.played.generate = refuses_first  # type: ignore[method-assign]
    outcome = outcome_of(TALK, desk)
    assert (outcome.result, desk.calls) == ("Nine.", ["look 3"])


def test_a_refusal_that_has_another_reason_stands() -> None:
    desk = Desk([says("x")])
    asked: list[Request] = []

    async def refuses(request: Request) -> Reply:
        asked.append(request)
        raise BackendRefused("the key is wrong")

    desk.played.generate = refuses  # type: ignore[method-assign]
    outcome = outcome_of(TALK, desk)
    assert (outcome.failure.code, len(asked)) == ("AS707", 1)


def test_one_turn_of_unknown_cost_makes_the_cost_of_the_node_unknown() -> None:
    spec = "nodes: {talk: {lm: m, prompt: x, tools: desk.look, max_turns: 4}}\nresult: {usd: '${{ meta.talk.usd }}'}"
    unknown = Reply("", (call("desk_look", day=1),), Usage(10, 5, 0, None))
    outcome, _ = talk(unknown, says("Fine."), spec=spec)
    assert outcome.result == {"usd": None}
