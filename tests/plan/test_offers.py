"""What a model may call: `tools:` of LM nodes and of plans."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from agentspec.plan import Checked
from agentspec.plan.work import AgencyWork, PlanningWork
from agentspec.spec.diagnostics import SpecInvalid

Check = Callable[..., Checked]
Problems = Callable[..., list[tuple[str, str]]]


HEAD = "agentspec: 1\nname: test\nmodels: {m: fake/echo}\ntools: {shop: shop}\n"


def talk(tools: str, keys: str = "max_turns: 3") -> str:
    return f"nodes: {{a: {{lm: m, prompt: x, tools: {tools}, {keys}}}}}"


def offered(checked: Checked) -> list[tuple[str, str]]:
    assert checked.plan is not None, checked.diagnostics
    work = checked.plan.block.nodes[0].work
    assert isinstance(work, AgencyWork | PlanningWork)
    return [(one.name, one.wire) for one in work.offers]


def other(folder: Path, name: str, file: str) -> None:
    text = f"agentspec: 1\nname: {name}\ninputs: {{q: string, n: {{type: integer, default: 2}}}}\n"
    text += "models: {m: fake/echo}\n"
    (folder / file).write_text(text + 'nodes: {say: {lm: m, prompt: "${{ inputs.q }}"}}\n', encoding="utf-8")


def test_one_tool_several_tools_and_whole_toolsets(checked: Check) -> None:
    find, buy = ("shop.find", "shop_find"), ("shop.buy", "shop_buy")
    allowed = HEAD + "allow_unreviewed: shop.buy\n"
    assert offered(checked(talk("shop.find"))) == [find]
    assert offered(checked(talk("['shop.*']"), allowed)) == [find, buy]
    assert offered(checked(talk("[shop.buy, 'shop.*', shop.buy]"), allowed)) == [buy, find]


def test_another_agent_is_an_offer_with_its_inputs_as_parameters(checked: Check, tmp_path: Path) -> None:
    other(tmp_path, "finder", "finder.yaml")
    found = checked(talk("[./finder.yaml, shop.find]"), folder=tmp_path)
    assert offered(found)[0] == ("finder", "finder")
    assert found.plan is not None
    work = found.plan.block.nodes[0].work
    assert isinstance(work, AgencyWork)
    assert work.offers[0].parameters == {
        "type": "object",
        "properties": {"q": {"type": "string"}, "n": {"type": "integer"}},
        "required": ["q"],
        "additionalProperties": False,
    }
    assert list(found.plan.models) == ["m", "finder.yaml#m"]


@pytest.mark.parametrize(
    ("tools", "code", "underlined"),
    [
        ("shop.fnd", "AS305", "shop.fnd"),
        ("[shop.find, shop.fnd]", "AS305", "shop.fnd"),
        ("shp.find", "AS305", "shp.find"),
        ("shop", "AS305", "shop"),
        ("./gone.yaml", "AS311", "./gone.yaml"),
        ("../up.yaml", "AS311", "../up.yaml"),
        ("/etc/agent.yaml", "AS311", "/etc/agent.yaml"),
    ],
)
def test_what_is_not_there_is_reported_at_its_word(tools: str, code: str, underlined: str, problems: Problems) -> None:
    assert problems(talk(tools)) == [(code, underlined)]


@pytest.mark.parametrize("name", ["lm", "approve", "steps"])
def test_an_agent_with_a_name_that_no_model_could_say_is_reported(name: str, checked: Check, tmp_path: Path) -> None:
    other(tmp_path, name, "odd.yaml")
    assert [one.code for one in checked(talk("./odd.yaml"), folder=tmp_path).diagnostics] == ["AS409"]


def test_two_agents_of_one_name_cannot_be_told_apart(checked: Check, tmp_path: Path) -> None:
    other(tmp_path, "finder", "one.yaml")
    other(tmp_path, "finder", "two.yaml")
    assert [one.code for one in checked(talk("[./one.yaml, ./two.yaml]"), folder=tmp_path).diagnostics] == ["AS409"]
    assert offered(checked(talk("[./one.yaml, ./one.yaml]"), folder=tmp_path)) == [("finder", "finder")]


def test_tools_and_max_turns_go_together(problems: Problems) -> None:
    for keys in ("tools: shop.find", "max_turns: 3", "tools: shop.find, max_turns: 1"):
        with pytest.raises(SpecInvalid):
            problems(f"nodes: {{a: {{lm: m, prompt: x, {keys}}}}}")


def test_a_plan_needs_tools(problems: Problems) -> None:
    text = "nodes: {{a: {{controller: plan, lm: m, goal: x, tools: {}, max_steps: 3}}}}"
    assert problems(text.format("[]")) == [("AS203", "tools")]
    assert problems(text.format("shop.find")) == []
