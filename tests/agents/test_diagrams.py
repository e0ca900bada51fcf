"""The two diagrams: one task in both modes of agency, with recorded answers and real tools."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("agentspec_office", reason="the agents use the plugin agentspec-office")

from agentspec.api import ToolContext
from agentspec.plan import Plan, check, compile_spec
from agentspec.plan.draw import as_svg, picture
from agentspec.registry import Registry
from agentspec.runtime import Outcome, RunOptions, arun
from agentspec.runtime.record import Record
from agentspec.runtime.trajectory import shown
from agentspec.spec.parse import parse_file

ROOT = Path(__file__).parents[2]
AGENTS = ROOT / "agents" / "diagrams"
TRAJECTORIES = {"lm_agency": "LM T1 T2 LM LM T3 T4 LM LM", "code_agency": "LM C T1 C LM C T4 C LM C LM"}


def plan_of(name: str) -> Plan:
    return compile_spec(parse_file(AGENTS / f"{name}.yaml"), Registry())


def outcome_of(name: str, outputs: Path) -> Outcome:
    return asyncio.run(arun(plan_of(name), Registry(), {}, RunOptions(outputs=outputs, offline=True)))


@pytest.mark.parametrize(("name", "trajectory"), TRAJECTORIES.items())
def test_the_trajectory_is_that_of_the_diagram(name: str, trajectory: str, tmp_path: Path) -> None:
    outcome = outcome_of(name, tmp_path)
    assert outcome.failure is None
    assert shown(list(outcome.trajectory)) == trajectory


@pytest.mark.parametrize("name", TRAJECTORIES)
def test_a_number_is_the_same_tool_in_both(name: str) -> None:
    letters = {
        use.path.rpartition("/")[2]: use.letter for use in Record(plan_of(name)).nodes.values() if use.kind == "T"
    }
    states = {"read": "mail.read", "events": "cal.events", "anna": "cal.free", "room": "room.free"}
    named = {states.get(node, node): letter for node, letter in letters.items()}
    assert named == {"mail.read": "T1", "cal.events": "T2", "cal.free": "T3", "room.free": "T4"}


@pytest.mark.parametrize("name", TRAJECTORIES)
def test_the_time_that_is_offered_is_free_in_the_calendar_of_the_room(name: str, tmp_path: Path) -> None:
    result = outcome_of(name, tmp_path).result
    assert result["start"] == "Tue 17 March, 11:00"
    tool = Registry().toolset("calendar").tools["free"]
    plan = plan_of(name)
    options = Registry().toolset("calendar").options.model_validate(dict(plan.tools["room"].options))
    context = ToolContext(options, AGENTS, tmp_path)
    slots = asyncio.run(tool.call({"day": "2026-03-17", "minutes": 60}, context))
    assert slots[0]["text"].startswith(result["start"])


@pytest.mark.parametrize("name", TRAJECTORIES)
@pytest.mark.parametrize("profile", [None, "local", "cloud"])
def test_every_profile_checks(name: str, profile: str | None) -> None:
    registry = Registry()
    if profile == "local":
        pytest.importorskip("agentspec_ollama")
    if profile == "cloud":
        pytest.importorskip("agentspec_litellm")
    assert check(parse_file(AGENTS / f"{name}.yaml"), registry, profile=profile).diagnostics == ()


@pytest.mark.parametrize("name", TRAJECTORIES)
def test_the_picture_is_that_of_the_spec(name: str) -> None:
    assert (AGENTS / "pictures" / f"{name}.svg").read_text(encoding="utf-8") == as_svg(picture(plan_of(name)))


def test_one_command_compares_them_and_the_docs_have_its_figures() -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "diagrams.py"), "--json"]
    rows = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    lm, code = rows["language-model agency"], rows["code agency"]
    page = (ROOT / "docs" / "diagrams.md").read_text(encoding="utf-8")
    for words, key in (
        ("calls of a model", "LM calls"),
        ("calls of tools", "tool calls"),
        ("tokens in (words)", "tokens in"),
        ("tokens out (words)", "tokens out"),
    ):
        assert f"| {words} | {lm[key]} | {code[key]} |" in page
    assert [lm["trajectory"], code["trajectory"]] == list(TRAJECTORIES.values())
    assert (lm["USD"], lm["status"], code["status"]) == (0.0, "ok", "ok")
