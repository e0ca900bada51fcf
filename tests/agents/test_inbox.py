"""The inbox agent on the mailbox that ships with it: a real model, in process, without network."""

from __future__ import annotations

import asyncio
import contextlib
import json
import mailbox
import shutil
from pathlib import Path

import pytest

from agentspec.plan import Plan, compile_spec
from agentspec.registry import Registry
from agentspec.runtime import Outcome, RunOptions, arun
from agentspec.spec.parse import parse_file

AGENT = Path(__file__).parents[2] / "agents" / "inbox"


def run(plan: Plan, outputs: Path, **inputs: str) -> Outcome:
    return asyncio.run(arun(plan, Registry(), inputs, RunOptions(outputs=outputs, offline=True)))


@pytest.fixture(scope="module")
def plan() -> Plan:
    return compile_spec(parse_file(AGENT / "agent.yaml"), Registry())


@pytest.fixture(scope="module")
def outcome(plan, tmp_path_factory) -> Outcome:
    return run(plan, tmp_path_factory.mktemp("out"))


def test_every_message_is_sorted_into_a_form_that_fits(outcome):
    assert outcome.status == "ok"
    assert outcome.problems == ()
    assert len(outcome.result["messages"]) == 72
    [sort] = [use for use in outcome.nodes if use.path == "each/sort"]
    assert (sort.steps, sort.calls, sort.formats) == (72, 72, {"constrained": 72})
    assert sort.usd == 0.0
    assert sort.tokens_in > 72 * 50


def test_most_messages_that_the_model_is_sure_of_are_in_the_right_box(outcome):
    labels = [json.loads(line) for line in (AGENT / "samples" / "week.labels.jsonl").read_text().splitlines()]
    pairs = list(zip(outcome.result["messages"], labels, strict=True))
    sure = [given["category"] == label["category"] for given, label in pairs if given["confidence"] >= 0.8]
    assert len(sure) >= 45  # measured: 54 of 72, 43 of them right
    assert sum(sure) / len(sure) >= 0.75


def test_doubt_shows_and_nothing_is_drafted_then(outcome):
    unsure = [row for row in outcome.result["messages"] if row["confidence"] < 0.8]
    assert unsure
    assert {row["done"] for row in unsure} == {"unsure, look at it yourself"}


def test_drafts_are_unsent_messages_to_those_who_asked(outcome):
    drafted = [row for row in outcome.result["messages"] if row["done"].startswith("draft")]
    [path] = outcome.files
    with contextlib.closing(mailbox.mbox(path)) as box:
        messages = list(box)
    assert len(messages) == len(drafted) > 0
    assert sorted(message["To"] for message in messages) == sorted(row["from"] for row in drafted)
    assert all(message["X-Unsent"] == "1" for message in messages)
    meetings = [row for row in drafted if row["done"] == "draft with free slots"]
    texts = [message.get_payload(decode=True).decode() for message in messages]
    assert sum("Any of these would suit me" in text for text in texts) == len(meetings) > 0


def test_the_trajectory_reads_sorts_and_branches(outcome):
    assert outcome.trajectory[:3] == ("T1", "LM", "C")
    assert set(outcome.trajectory) == {"T1", "T2", "T3", "LM", "C"}
    assert outcome.trajectory.count("LM") == 72


def test_two_runs_give_the_same_answers(plan, outcome, tmp_path):
    again = run(plan, tmp_path)
    given = [(row["category"], row["due"], row["reply_needed"]) for row in outcome.result["messages"]]
    assert [(row["category"], row["due"], row["reply_needed"]) for row in again.result["messages"]] == given


def test_a_damaged_mailbox_loses_no_message_that_can_be_read(plan, tmp_path):
    damaged = tmp_path / "damaged.mbox"
    data = (AGENT / "samples" / "week.mbox").read_bytes()
    damaged.write_bytes(b"\x00garbage before the first message\n" + data[: len(data) // 2] + b"\xff\xfe\nFrom \n\n")
    outcome = run(plan, tmp_path / "out", mailbox=str(damaged))
    assert outcome.status == "ok"
    assert len(outcome.result["messages"]) >= 30
    assert outcome.result["unreadable"]


def test_a_missing_model_file_ends_the_run_with_a_way_out(tmp_path):
    folder = shutil.copytree(AGENT, tmp_path / "inbox")
    spec = folder / "agent.yaml"
    spec.write_text(spec.read_text().replace("pocket/triage", "pocket/./gone.gguf"))
    outcome = run(compile_spec(parse_file(spec), Registry()), tmp_path / "out")
    assert (outcome.failure.code, outcome.failure.exit) == ("AS702", 7)
    assert "gone.gguf" in outcome.failure.message
    assert len(outcome.partial["read"]["messages"]) == 72


def test_a_corrupt_model_file_ends_the_run_with_a_way_out(tmp_path):
    folder = shutil.copytree(AGENT, tmp_path / "inbox")
    (folder / "bad.gguf").write_bytes(b"GGUF" + bytes(1000))
    spec = folder / "agent.yaml"
    spec.write_text(spec.read_text().replace("pocket/triage", "pocket/./bad.gguf"))
    outcome = run(compile_spec(parse_file(spec), Registry()), tmp_path / "out")
    assert (outcome.failure.code, outcome.failure.exit) == ("AS703", 7)


def test_an_empty_mailbox_is_no_error(plan, tmp_path):
    empty = tmp_path / "empty.mbox"
    empty.touch()
    outcome = run(plan, tmp_path / "out", mailbox=str(empty))
    assert (outcome.status, outcome.result["messages"], outcome.files) == ("ok", [], ())
