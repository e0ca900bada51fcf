"""Agents from Python."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import agentspec
from agentspec.api import InvalidValue
from agentspec.spec.diagnostics import SpecInvalid

SPEC = """\
agentspec: 1
name: hello
inputs: {who: {type: string, default: world}}
models: {m: fake/echo}
nodes: {greet: {lm: m, prompt: "Hello ${{ inputs.who }}"}}
profiles: {loud: {models: {m: {use: fake/script, answers: [HELLO]}}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "agent.yaml").write_text(SPEC, encoding="utf-8")
    return tmp_path


def test_an_agent_is_loaded_checked_and_run(folder: Path) -> None:
    agent = agentspec.load(folder)
    assert agent.check() == ()
    assert agentspec.run(agent, {"who": "you"}).result == "Hello you"
    assert asyncio.run(agentspec.arun(agent)).result == "Hello world"


def test_run_is_safe_inside_a_running_loop(folder: Path) -> None:
    async def inside() -> agentspec.Outcome:
        return agentspec.run(agentspec.load(folder))

    assert asyncio.run(inside()).result == "Hello world"


def test_models_are_bound_by_profile_and_by_name(folder: Path) -> None:
    assert agentspec.run(agentspec.load(folder, profile="loud")).result == "HELLO"
    assert agentspec.run(agentspec.load(folder, profile="loud", bind={"*": "fake/echo"})).result == "Hello world"
    for wrong in ({"profile": "quiet"}, {"bind": {"n": "fake/echo"}}):
        with pytest.raises(KeyError):
            agentspec.load(folder, **wrong)  # type: ignore[arg-type]


def test_what_cannot_run_is_an_error_that_says_why(folder: Path) -> None:
    spec = folder / "agent.yaml"
    spec.write_text(SPEC.replace("inputs.who", "inputs.wo"), encoding="utf-8")
    agent = agentspec.load(spec)
    assert [one.code for one in agent.check()] == ["AS301"]
    with pytest.raises(SpecInvalid):
        agentspec.run(agent)


def test_inputs_that_do_not_fit_are_an_error_before_anything_runs(folder: Path) -> None:
    with pytest.raises(InvalidValue, match="no input `whom`, did you mean `who`"):
        agentspec.run(agentspec.load(folder), {"whom": "you"})
