"""`agentspec run`: stdout is data, stderr is people, the exit code tells how it went."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

SLOW = """\
agentspec: 1
name: slow
models: {small: {use: fake/script, answers: [not json]}}
nodes:
  wait:
    controller: loop
    max: 1000000
    nodes: {turn: {lm: small, prompt: again}}
"""


def test_the_result_is_on_stdout_and_the_report_on_stderr(cli):
    done = cli("run", "agent.yaml", "-i", "note=Toner is out.")
    assert done.returncode == 0
    assert json.loads(done.stdout) == {"topic": "order", "answer": "order: Toner is out."}
    for word in ("note", "sort", "LM small", "trajectory", "LM LM", "total", "1 constrained"):
        assert word in done.stderr


def test_json_is_one_object_about_the_whole_run(cli):
    done = cli("run", ".", "--json")
    data = json.loads(done.stdout)
    assert list(data) == ["run", "status", "result", "usage", "trajectory", "files", "problems"]
    assert data["status"] == "ok"
    assert data["trajectory"] == ["LM", "LM"]
    assert data["usage"]["lm_calls"] == 2
    assert data["usage"]["usd"] == 0
    assert [row["node"] for row in data["usage"]["nodes"]] == ["sort", "answer"]
    assert done.stderr == ""


def test_events_are_json_lines_from_the_start_to_the_end(cli):
    lines = [json.loads(line) for line in cli("run", ".", "--events", "-").stdout.splitlines()]
    assert [line["event"] for line in lines] == [
        "RunStarted",
        "StepStarted",
        "CallAnswered",
        "StepSucceeded",
        "StepStarted",
        "CallAnswered",
        "StepSucceeded",
        "RunFinished",
    ]
    assert lines[0]["inputs"] == {"note": "The printer is broken."}
    assert lines[3]["path"] == "sort"
    assert lines[-1]["result"]["topic"] == "order"


def test_a_binding_is_swapped_without_touching_the_file(cli, tmp_path):
    answers = tmp_path / "answers.jsonl"
    answers.write_text('"no json"\n', encoding="utf-8")
    done = cli("run", ".", "--bind", "small=nobody/model")
    assert done.returncode == 7
    assert "pip install agentspec-backend-nobody" in done.stderr
    assert cli("run", ".", "--bind", "*=fake/echo").returncode == 0
    assert cli("run", ".", "--bind", "smal=fake/echo").returncode == 2


def test_a_profile_swaps_bindings_and_a_misspelt_one_is_a_usage_error(cli, tmp_path):
    spec = tmp_path / "agent.yaml"
    spec.write_text(spec.read_text() + "profiles: {other: {models: {small: {use: fake/script, answers: [x]}}}}\n")
    done = cli("run", ".", "--profile", "other", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["problems"][0]["code"] == "AS708"
    wrong = cli("run", ".", "--profile", "othr")
    assert wrong.returncode == 2
    assert "did you mean 'other'?" in wrong.stderr


def test_a_run_that_fails_says_where_and_keeps_what_was_done(cli, tmp_path):
    spec = tmp_path / "agent.yaml"
    broken = spec.read_text().replace("models:", "limits: {tokens: 5}\nmodels:")
    spec.write_text(broken)
    done = cli("run", ".", "--json")
    data = json.loads(done.stdout)
    assert done.returncode == 4
    assert (data["status"], data["result"]) == ("failed", None)
    assert data["partial"] == {"sort": {"topic": "order", "urgent": False}}
    assert data["problems"][0]["code"] == "AS610"
    assert "Traceback" not in done.stderr


def test_inputs_are_read_by_their_types_and_checked(cli, tmp_path):
    spec = tmp_path / "agent.yaml"
    spec.write_text(spec.read_text().replace("inputs:", "inputs:\n  n: {type: integer, default: 1}"))
    assert cli("run", ".", "-i", "n=3").returncode == 0
    wrong = cli("run", ".", "-i", "n=three")
    assert wrong.returncode == 2
    assert "error[AS603]: the input `n` does not fit" in wrong.stderr
    unknown = cli("run", ".", "-i", "nte=x")
    assert "did you mean `note`?" in unknown.stderr


def test_an_invalid_spec_runs_nothing(cli, tmp_path):
    spec = tmp_path / "agent.yaml"
    spec.write_text(spec.read_text().replace("sort.topic }}:", "sort.topc }}:"))
    done = cli("run", ".", "--events", "events.jsonl")
    assert done.returncode == 3
    assert "error[AS301]" in done.stderr
    assert not (tmp_path / "events.jsonl").exists()


def test_interrupting_ends_a_run_within_a_second(tmp_path):
    (tmp_path / "slow.yaml").write_text(SLOW, encoding="utf-8")
    command = [sys.executable, "-m", "agentspec", "run", "slow.yaml", "--events", "events.jsonl"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    events = tmp_path / "events.jsonl"
    deadline = time.monotonic() + 30
    while not (events.exists() and events.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert time.monotonic() - began < 1.0 + 1.0  # the machine may be busy; the run itself is given one second
    assert "Traceback" not in said
    assert '"status": "cancelled"' in events.read_text().splitlines()[-1]
