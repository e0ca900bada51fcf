"""Every broken spec gives exactly what is written in it; every good one gives nothing, and runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import agentspec
from agentspec.api.codes import CODES
from agentspec.api.events import Question
from agentspec.api.messages import Json
from agentspec.runtime.session import RunOptions
from agentspec.spec.diagnostics import render_all
from agentspec.spec.text import loader
from agentspec.testing.fake import first_value

from . import sites
from .expected import PLUGIN, Expected, bad_specs, diagnostics, expected, good_specs, shown

BAD = bad_specs()
GOOD = good_specs()
MADE_HERE = {"AS102"}
"""Codes that need a file too large to be kept."""
NOT_OF_CHECK = re.compile(r"AS217|AS218|AS[6-9]\d\d")
"""Codes of runs; what the environment holds is looked at when a run begins."""


@pytest.fixture(autouse=True)
def desk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin that the specs use, on the path."""
    monkeypatch.syspath_prepend(str(PLUGIN))


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.skipif(not hasattr(loader, "CompiledParser"), reason="places of YAML errors are those of libyaml")
@pytest.mark.parametrize("path", BAD, ids=name_of)
def test_a_broken_spec_gives_what_is_written_in_it(path: Path) -> None:
    messages = diagnostics(path)
    assert expected(path), "a broken spec says what is wrong with it"
    assert shown(messages, path) == expected(path)
    assert render_all(messages).count("= docs: agentspec explain AS") == len(messages)


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_bytes(b"agentspec: 1\nname: large\n# " + b"x" * loader.MAX_BYTES)
    assert shown(diagnostics(path), path) == [Expected("large.yaml", "AS102")]


def test_every_code_of_the_checker_occurs() -> None:
    occur = {one.code for path in BAD for one in expected(path)} | MADE_HERE
    assert occur == {code for code in CODES if not NOT_OF_CHECK.match(code)}


def test_almost_every_message_of_the_checker_is_provoked() -> None:
    left, count = sites.missed()
    assert len(left) / count <= 0.1, "write a broken spec for each of:\n" + "\n".join(left)


@pytest.mark.parametrize("path", GOOD, ids=name_of)
def test_a_good_spec_gives_nothing_and_runs(path: Path, tmp_path: Path) -> None:
    assert agentspec.load(path, bind={"*": "fake/echo"}).check() == ()
    agent = agentspec.load(path)
    assert agent.check() == ()
    outcome = agentspec.run(agent, inputs_of(agent), RunOptions(outputs=tmp_path, ask=first_choice))
    assert (outcome.status, outcome.failure) == ("ok", None)


async def first_choice(path: str, question: Question) -> str:
    """The person who is asked."""
    return question.choices[0]


def inputs_of(agent: agentspec.Agent) -> dict[str, Json]:
    """The first value that each required input admits."""
    return {one.name: first_value(one.schema) for one in agent.plan.inputs if one.required}


def test_the_corpus_is_large_enough() -> None:
    assert len(BAD) >= 150
    assert len(GOOD) >= 60
