"""`controller: agent`: another file, called like a function."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from agentspec import runtime
from agentspec.plan import Checked, check, compile_spec
from agentspec.plan.work import AgentWork
from agentspec.registry import Registry
from agentspec.spec.parse import parse_file

Check = Callable[..., Checked]

SUB = """
agentspec: 1
name: sub
inputs: {topic: string, times: {type: integer, default: 2}}
models: {m: fake/echo}
nodes: {say: {lm: m, prompt: "${{ inputs.topic }} ${{ inputs.times }}"}}
result: {said: "${{ say }}"}
"""


def call(spec: str = "./sub.yaml", given: str = "{topic: x}", more: str = "") -> str:
    return f"nodes: {{go: {{controller: agent, spec: {spec}, with: {given}}}}}\n{more}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub.yaml").write_text(SUB, encoding="utf-8")
    return tmp_path


def codes(found: Checked) -> list[str]:
    return [one.code for one in found.diagnostics]


def test_inputs_and_result_are_typed_from_the_other_file(checked: Check, folder: Path) -> None:
    assert codes(checked(call(), folder=folder)) == []
    assert codes(checked(call(given="{}"), folder=folder)) == ["AS309"]
    assert codes(checked(call(given="{topic: 3}"), folder=folder)) == ["AS308"]
    assert codes(checked(call(given="{topic: x, tims: 3}"), folder=folder)) == ["AS309"]
    assert codes(checked(call(given="{topic: x, times: three}"), folder=folder)) == ["AS308"]
    assert codes(checked(call(more="result: ${{ go.said }}"), folder=folder)) == []
    assert codes(checked(call(more="result: ${{ go.sad }}"), folder=folder)) == ["AS301"]


@pytest.mark.parametrize("spec", ["../sub.yaml", "/etc/passwd", "./gone.yaml", "."])
def test_files_outside_or_missing_are_refused(spec: str, checked: Check, folder: Path) -> None:
    assert codes(checked(call(spec), folder=folder)) == ["AS311"]


def test_a_link_that_leads_out_is_refused(
    checked: Check, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "sub.yaml"
    outside.write_text(SUB, encoding="utf-8")
    (folder / "link.yaml").symlink_to(outside)
    assert codes(checked(call("./link.yaml"), folder=folder)) == ["AS311"]


def test_problems_of_the_other_file_are_reported_there_and_once(checked: Check, folder: Path) -> None:
    (folder / "sub.yaml").write_text(SUB.replace("inputs.topic", "inputs.topc"), encoding="utf-8")
    one = "{controller: agent, spec: ./sub.yaml, with: {topic: x}}"
    found = checked(f"nodes: {{a: {one}, b: {one}}}\nresult: ${{{{ a }}}}${{{{ b }}}}", folder=folder)
    [problem] = found.diagnostics
    assert problem.code == "AS301"
    assert problem.source.name.endswith("sub.yaml")
    assert problem.span is not None
    assert problem.span.line == 6


def agents(folder: Path, **calls: str) -> Path:
    """Files that call each other; returns the first."""
    for name, called in calls.items():
        nodes = "".join(f"  to_{one}: {{controller: agent, spec: ./{one}.yaml}}\n" for one in called.split())
        nodes = nodes or "  say: {lm: m, prompt: hello}\n"
        text = f"agentspec: 1\nname: {name}\nmodels: {{m: fake/echo}}\nnodes:\n{nodes}result: done\n"
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder / f"{next(iter(calls))}.yaml"


@pytest.mark.parametrize(
    ("calls", "circle"),
    [
        ({"a": "a"}, "a.yaml -> a.yaml"),
        ({"a": "b", "b": "a"}, "a.yaml -> b.yaml -> a.yaml"),
        ({"a": "b", "b": "c", "c": "b"}, "b.yaml -> c.yaml -> b.yaml"),
        ({"a": "b c", "b": "c", "c": "a"}, "a.yaml -> b.yaml -> c.yaml -> a.yaml"),
    ],
)
def test_agents_that_call_themselves_are_refused_with_the_circle(
    calls: dict[str, str], circle: str, tmp_path: Path
) -> None:
    found = check(parse_file(agents(tmp_path, **calls)), Registry())
    errors = [one for one in found.diagnostics if one.code != "AS403"]
    assert [one.code for one in errors] == ["AS405"]
    assert circle in errors[0].message


def test_a_file_that_two_agents_call_is_compiled_once(tmp_path: Path) -> None:
    plan = compile_spec(parse_file(agents(tmp_path, a="b c", b="d", c="d", d="")), Registry())
    found = {}
    for node in plan.block.nodes:
        assert isinstance(node.work, AgentWork)
        [inner] = node.work.plan.block.nodes
        assert isinstance(inner.work, AgentWork)
        found[node.id] = inner.work.plan
    assert found["to_b"] is found["to_c"]
    assert sorted(plan.models) == ["b.yaml#m", "c.yaml#m", "d.yaml#m", "m"]


TOP = """
agentspec: 1
name: top
models: {m: fake/echo}
nodes: {go: {controller: agent, spec: ./sub.yaml, with: {topic: hello}}}
profiles: {other: {models: {m: {use: fake/echo, confidence: 0.5}}}}
"""


@pytest.mark.parametrize(
    ("options", "used"),
    [
        ({}, "fake/echo"),
        ({"bind": {"*": "fake/script"}}, "fake/script"),
        ({"bind": {"m": "fake/script"}}, "fake/echo"),
        ({"profile": "other"}, "fake/other"),
    ],
)
def test_profiles_and_bind_star_reach_the_other_agent(options: dict[str, object], used: str, folder: Path) -> None:
    (folder / "sub.yaml").write_text(SUB + "profiles: {other: {models: {m: fake/other}}}\n", encoding="utf-8")
    (folder / "agent.yaml").write_text(TOP, encoding="utf-8")
    plan = compile_spec(parse_file(folder / "agent.yaml"), Registry(), **options)  # type: ignore[arg-type]
    assert plan.models["sub.yaml#m"].use == used


def test_it_runs_with_its_defaults_and_sees_nothing_of_its_caller(folder: Path) -> None:
    (folder / "agent.yaml").write_text(TOP, encoding="utf-8")
    plan = compile_spec(parse_file(folder / "agent.yaml"), Registry())
    outcome = asyncio.run(runtime.arun(plan, Registry(), {}))
    assert outcome.result == {"said": "hello 2"}
    assert list(outcome.trajectory) == ["LM"]
    assert [use.path for use in outcome.nodes] == ["go/say"]
