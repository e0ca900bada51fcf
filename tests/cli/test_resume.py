"""Runs that wait for a person, or were cut off, and go on."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agentspec.api.errors import Exit
from agentspec.api.events import StepStarted
from agentspec.cli.main import main
from agentspec.cli.render.questions import shown
from agentspec.journal import SqliteJournal

PLUGIN = Path(__file__).parent / "plugin"
SPEC = """\
agentspec: 1
name: desk
inputs: {note: {type: string, default: The printer is broken.}}
models: {small: fake/echo}
nodes:
  draft: {lm: small, prompt: "Answer: ${{ inputs.note }}"}
  ok: {controller: approve, show: {text: "${{ draft }}"}, choices: [send, drop], by: anna}
  sent: {lm: small, prompt: "${{ ok }} ${{ draft }}"}
result: {ok: "${{ ok }}", sent: "${{ sent }}"}
"""
TWO = SPEC.replace(
    "  sent:", '  sure: {controller: approve, show: "Sure, ${{ ok }}?", choices: ["yes", "no"]}\n  sent:'
)
RESULT = {"ok": "send", "sent": "send Answer: The printer is broken."}


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Answer]


@pytest.fixture
def agentspec(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Command:
    """Calls the command line in this process, in a folder with an agent."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(PLUGIN))
    monkeypatch.setenv("LEDGER", str(tmp_path / "book.txt"))
    Path("agent.yaml").write_text(SPEC, encoding="utf-8")

    def call(*words: str) -> Answer:
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["agentspec", *words])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capfd.readouterr()
        assert isinstance(left.value.code, int)
        assert "Traceback" not in err
        return Answer(left.value.code, out, err)

    return call


def run_id() -> str:
    journal = SqliteJournal(Path(".agentspec/runs.db"))
    found = journal.runs()[0].id
    journal.close()
    return found


def cut_after(*events: str) -> None:
    """Make the newest run look as if its process had died after the first events of these kinds."""
    import sqlite3

    connection = sqlite3.connect(".agentspec/runs.db")
    [(number,)] = connection.execute("SELECT max(number) FROM runs").fetchall()
    rows = connection.execute("SELECT seq, event FROM events WHERE run = ? ORDER BY seq", (number,)).fetchall()
    wanted, last = list(events), -1
    for seq, event in rows:
        if wanted and event == wanted[0]:
            wanted.pop(0)
            last = seq
    assert not wanted
    connection.execute("DELETE FROM events WHERE run = ? AND seq > ?", (number, last))
    connection.execute("UPDATE runs SET status = 'running' WHERE number = ?", (number,))
    connection.commit()
    connection.close()


def test_a_run_pauses_and_says_what_is_asked_and_how_to_answer(agentspec: Command) -> None:
    done = agentspec("run", ".")
    assert (done.code, done.out) == (Exit.PAUSED, "")
    assert "? ok  for anna" in done.err
    assert "  text: Answer: The printer is broken." in done.err
    [command] = re.findall(r"agentspec (resume .* --answer ok=send)$", done.err, re.MULTILINE)
    again = agentspec(*command.split())
    assert (again.code, again.data) == (Exit.OK, RESULT)


def test_json_lists_the_open_questions(agentspec: Command) -> None:
    data = agentspec("run", ".", "--json").data
    assert (data["status"], data["result"]) == ("paused", None)
    [question] = data["questions"]
    assert question.pop("asked") == pytest.approx(time.time(), abs=60)
    assert question == {
        "step": "ok",
        "show": {"text": "Answer: The printer is broken."},
        "choices": ["send", "drop"],
        "by": "anna",
        "timeout": None,
        "on_timeout": None,
    }
    assert data["partial"] == {"draft": "Answer: The printer is broken."}


def test_what_was_done_is_counted_and_not_asked_again(agentspec: Command) -> None:
    agentspec("run", ".")
    data = agentspec("resume", "--answer", "ok=send", "--json").data
    assert data["usage"]["lm_calls"] == 2
    assert data["trajectory"] == ["LM", "C", "LM"]
    journal = SqliteJournal(Path(".agentspec/runs.db"))
    events = [entry.event for entry in journal.entries(data["run"])]
    journal.close()
    started = [event.path for event in events if isinstance(event, StepStarted)]
    assert started == ["draft", "ok", "sent"]


def test_a_second_question_pauses_again(agentspec: Command) -> None:
    Path("agent.yaml").write_text(TWO, encoding="utf-8")
    agentspec("run", ".")
    again = agentspec("resume", "--answer", "ok=send")
    assert again.code == Exit.PAUSED
    assert "Sure, send?" in again.err
    assert agentspec("resume", "--answer", "sure=no").data == RESULT


def test_events_of_a_resumed_run_are_only_the_new_ones(agentspec: Command) -> None:
    agentspec("run", ".")
    lines = [json.loads(line) for line in agentspec("resume", "--answer", "ok=send", "--events", "-").out.splitlines()]
    assert [line["event"] for line in lines] == [
        "RunResumed",
        "StepSucceeded",
        "StepStarted",
        "CallAnswered",
        "StepSucceeded",
        "RunFinished",
    ]


@pytest.mark.parametrize("words", [["ok=maybe"], ["okk=send"], ["ok=send", "ok=drop"], ["ok"]])
def test_a_wrong_answer_is_a_usage_error_that_changes_nothing(agentspec: Command, words: list[str]) -> None:
    agentspec("run", ".")
    wrong = agentspec("resume", *(part for word in words for part in ("--answer", word)))
    assert (wrong.code, wrong.out) == (Exit.USAGE, "")
    if words[0] != "ok":
        assert "error[AS617]" in wrong.err
    if words[0] == "okk=send":
        assert "it asks `ok` (send | drop)" in wrong.err
    assert agentspec("resume", "--answer", "ok=send").code == Exit.OK


def test_an_answer_that_comes_too_late_is_refused_and_silence_holds(agentspec: Command) -> None:
    timed = SPEC.replace("by: anna", "timeout: 1s, on_timeout: drop")
    Path("agent.yaml").write_text(timed, encoding="utf-8")
    agentspec("run", ".")
    time.sleep(1.1)
    late = agentspec("resume", "--answer", "ok=send")
    assert late.code == Exit.USAGE
    assert "that time is over" in late.err
    assert agentspec("resume").data["ok"] == "drop"


def test_a_run_that_is_not_there_or_has_ended_is_refused(agentspec: Command) -> None:
    assert "error[AS622]: there is no run that can be resumed" in agentspec("resume").err
    agentspec("run", ".")
    run = run_id()
    unknown = agentspec("resume", run[:-1])
    assert unknown.code == Exit.USAGE
    assert f"did you mean `{run}`?" in unknown.err
    agentspec("resume", "--answer", "ok=send")
    ended = agentspec("resume", run)
    assert ended.code == Exit.USAGE
    assert "error[AS623]" in ended.err


def test_a_changed_spec_is_refused_unless_that_is_accepted(agentspec: Command) -> None:
    Path("base.yaml").write_text(SPEC, encoding="utf-8")
    Path("agent.yaml").write_text("agentspec: 1\nextends: ./base.yaml\nname: desk\n", encoding="utf-8")
    assert agentspec("run", ".").code == Exit.PAUSED
    Path("base.yaml").write_text(SPEC.replace('"${{ ok }} ${{ draft }}"', '"new: ${{ ok }}"'), encoding="utf-8")
    refused = agentspec("resume", "--answer", "ok=send")
    assert refused.code == Exit.RUN_FAILED
    assert "error[AS625]: `base.yaml` changed since the run began" in refused.err
    accepted = agentspec("resume", "--answer", "ok=send", "--accept-changes")
    assert accepted.data == {"ok": "send", "sent": "new: send"}


def test_a_prompt_file_and_a_called_agent_belong_to_the_spec(agentspec: Command) -> None:
    Path("prompt.md").write_text("Answer: ${{ inputs.note }}", encoding="utf-8")
    Path("sub.yaml").write_text("agentspec: 1\nname: sub\nmodels: {m: fake/echo}\nnodes: {a: {lm: m, prompt: x}}\n")
    called = SPEC.replace('"Answer: ${{ inputs.note }}"', "{file: prompt.md}")
    called = called.replace("nodes:", "nodes:\n  sub: {controller: agent, spec: ./sub.yaml}")
    Path("agent.yaml").write_text(called.replace("sent }}", "sent }}${{ sub }}"), encoding="utf-8")
    assert agentspec("run", ".").code == Exit.PAUSED
    for name in ("prompt.md", "sub.yaml"):
        before = Path(name).read_text()
        Path(name).write_text(before + "\n")
        assert f"`{name}` changed" in agentspec("resume").err
        Path(name).write_text(before)
    Path("sub.yaml").unlink()
    assert "`sub.yaml` changed" in agentspec("resume").err


def test_a_record_that_does_not_fit_the_changed_spec_is_refused_and_kept(agentspec: Command) -> None:
    agentspec("run", ".")
    Path("agent.yaml").write_text(SPEC.replace("draft", "first"), encoding="utf-8")
    refused = agentspec("resume", "--answer", "ok=send", "--accept-changes")
    assert refused.code == Exit.RUN_FAILED
    assert "error[AS615]" in refused.err
    Path("agent.yaml").write_text(SPEC, encoding="utf-8")
    assert agentspec("resume", "--answer", "ok=send").code == Exit.OK


def test_a_run_that_another_process_holds_is_refused(agentspec: Command) -> None:
    agentspec("run", ".")
    other = SqliteJournal(Path(".agentspec/runs.db"))
    with other.hold(run_id()):
        refused = agentspec("resume", run_id())
        assert refused.code == Exit.RUN_FAILED
        assert f"error[AS624]: `{run_id()}` goes on in another process ({os.getpid()})" in refused.err
        assert "AS622" in agentspec("resume").err, "the newest that can be resumed is none"
    other.close()
    assert agentspec("resume", "--answer", "ok=send").code == Exit.OK


def test_profile_bindings_inputs_and_folders_are_those_of_the_run(agentspec: Command) -> None:
    other = "profiles: {other: {models: {small: {use: fake/script, answers: [from script]}}}}\n"
    Path("agent.yaml").write_text(
        SPEC.replace("${{ ok }} ${{ draft }}", "${{ inputs.note }}") + other, encoding="utf-8"
    )
    agentspec("run", ".", "--profile", "other", "-i", "note=Toner.", "--out", "made")
    assert agentspec("resume", "--answer", "ok=send").data["sent"] == "from script"


def test_the_command_that_answers_names_the_project_where_that_is_another(agentspec: Command) -> None:
    Path("desk").mkdir()
    Path("agent.yaml").rename("desk/agent.yaml")
    [command] = re.findall(r"agentspec (resume .*ok=send)$", agentspec("run", "desk").err, re.MULTILINE)
    assert "--project desk" in command
    assert agentspec(*command.replace("--project desk", "").split()).code == Exit.USAGE
    assert agentspec(*command.split()).code == Exit.OK


def test_a_limit_counts_what_was_used_before(agentspec: Command) -> None:
    limited = SPEC.replace("nodes:", "limits: {lm_calls: 1}\nnodes:", 1)
    limited = limited.replace('{lm: small, prompt: "${{ ok }}', "{lm: small, when: ok == 'send', prompt: \"${{ ok }}")
    Path("agent.yaml").write_text(limited.replace('"${{ sent }}"', "\"${{ sent | default('') }}\""), encoding="utf-8")
    assert agentspec("run", ".").code == Exit.PAUSED
    assert agentspec("resume", "--answer", "ok=send").code == Exit.LIMIT_REACHED


@pytest.mark.parametrize(("tool", "again"), [("look", True), ("put", True), ("pay", False)])
def test_a_change_whose_outcome_is_unknown_is_not_repeated_by_itself(
    agentspec: Command, tool: str, again: bool
) -> None:
    text = f"agentspec: 1\nname: books\ntools: {{ledger: ledger}}\nnodes: {{one: {{tool: ledger.{tool}}}}}\n"
    Path("agent.yaml").write_text(text, encoding="utf-8")
    assert agentspec("run", ".").code == Exit.OK
    cut_after("RunStarted", "StepStarted")
    resumed = agentspec("resume")
    assert Path("book.txt").read_text().count("begin") == 1 + again
    if again:
        assert (resumed.code, resumed.data) == (Exit.OK, 1)
        return
    assert resumed.code == Exit.RUN_FAILED
    assert "error[AS616]" in resumed.err
    assert "--retry one" in resumed.err
    wrong = agentspec("resume", "--retry", "two")
    assert (wrong.code, "error[AS617]" in wrong.err) == (Exit.USAGE, True)
    assert agentspec("resume", "--retry", "one").data == 1
    assert Path("book.txt").read_text().count("begin") == 2


def test_a_run_that_ended_and_could_not_say_so_ends_without_doing_anything(agentspec: Command) -> None:
    agentspec("run", ".")
    agentspec("resume", "--answer", "ok=send")
    cut_after("StepSucceeded", "StepSucceeded", "StepSucceeded")
    assert agentspec("resume").data == RESULT


def test_a_run_that_was_cut_off_before_it_began_is_started_anew(agentspec: Command) -> None:
    agentspec("run", ".")
    cut_after()
    assert "error[AS623]" in agentspec("resume").err
    assert "error[AS622]" in agentspec("resume").err, "it does not stand in the way of older ones"


def test_a_folder_that_cannot_be_written_is_a_warning_or_an_error(agentspec: Command) -> None:
    Path(".agentspec").write_text("in the way", encoding="utf-8")
    refused = agentspec("run", ".")
    assert (refused.code, "error[AS620]" in refused.err) == (Exit.RUN_FAILED, True)
    Path("agent.yaml").write_text(re.sub("  ok:.*\n", "", SPEC).replace("${{ ok }}", "ok"), encoding="utf-8")
    warned = agentspec("run", ".")
    assert warned.code == Exit.OK
    assert "warning[AS620]: this run is not recorded and cannot be resumed" in warned.err


def test_a_journal_that_is_none_is_unreadable(agentspec: Command) -> None:
    Path(".agentspec").mkdir()
    Path(".agentspec/runs.db").write_bytes(b"no database" * 1000)
    for words in (["runs", "list"], ["resume"], ["run", "."]):
        assert "error[AS621]" in agentspec(*words).err


def test_without_a_journal_a_run_may_not_have_to_wait(agentspec: Command) -> None:
    refused = agentspec("run", ".", "--no-journal")
    assert (refused.code, "error[AS618]" in refused.err) == (Exit.RUN_FAILED, True)
    assert not Path(".agentspec/runs.db").exists()


def test_runs_are_listed_and_shown(agentspec: Command) -> None:
    agentspec("run", ".")
    run = run_id()
    assert re.search(rf"^{run}  paused ", agentspec("runs", "list").out)
    shown_run = agentspec("runs", "show", run)
    assert "steps    1 done, 0 failed" in shown_run.out
    assert f"agentspec resume {run} --answer ok=drop" in shown_run.err
    [row] = agentspec("runs", "list", "--json").data
    assert (row["run"], row["status"]) == (run, "paused")
    assert agentspec("runs", "show", run, "--json").data["questions"][0]["choices"] == ["send", "drop"]
    agentspec("resume", "--answer", "ok=send")
    assert agentspec("runs", "list", "--json").data[0]["status"] == "ok"
    assert agentspec("runs", "show", "nobody").code == Exit.USAGE


def test_a_secret_never_reaches_the_journal(agentspec: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSWER_TOKEN", "canary-4711")
    spec = SPEC.replace("fake/echo", '{use: fake/script, answers: ["it is ${{ secrets.ANSWER_TOKEN }}"]}')
    Path("agent.yaml").write_text(spec, encoding="utf-8")
    assert agentspec("run", ".").code == Exit.PAUSED
    assert agentspec("resume", "--answer", "ok=send").code == Exit.OK
    for path in Path(".agentspec").glob("runs.db*"):
        assert b"canary" not in path.read_bytes()
        assert b"it is ***" in path.read_bytes() or path.suffix != ".db"


class Terminal:
    """A person at a terminal."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.mine, theirs = pty.openpty()
        self.said = ""
        env = {**os.environ, "NO_COLOR": "1", "COLUMNS": "100", "TERM": "xterm"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "agentspec", *words],
            cwd=folder,
            env=env,
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            text=True,
        )
        os.close(theirs)

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + 60
        while text not in self.said:
            assert time.monotonic() < deadline, self.said
            if select.select([self.mine], [], [], 0.1)[0]:
                self.said += os.read(self.mine, 4096).decode()

    def type(self, text: str) -> None:
        os.write(self.mine, text.encode())

    def end(self) -> tuple[int, str]:
        assert self.process.stdout is not None
        reader = self.process.stdout
        while self.process.poll() is None:
            if select.select([self.mine], [], [], 0.05)[0]:
                try:
                    self.said += os.read(self.mine, 4096).decode()
                except OSError:
                    break
        out = reader.read()
        reader.close()
        self.process.wait(timeout=30)
        os.close(self.mine)
        return self.process.returncode, out


def test_on_a_terminal_the_question_is_asked_there_until_it_has_an_answer(tmp_path: Path) -> None:
    (tmp_path / "agent.yaml").write_text(TWO, encoding="utf-8")
    terminal = Terminal(tmp_path, "run", ".")
    terminal.wait_for("2  drop")
    terminal.wait_for("answer: ")
    terminal.type("perhaps\n")
    terminal.wait_for("a number from 1 to 2, or the word itself")
    terminal.type("1\n")
    terminal.wait_for("Sure, send?")
    terminal.type("no\n")
    code, out = terminal.end()
    assert code == Exit.OK
    assert '"sent": "send Answer: The printer is broken."' in out


def test_ctrl_c_at_a_question_leaves_a_run_that_can_be_resumed(tmp_path: Path) -> None:
    (tmp_path / "agent.yaml").write_text(SPEC, encoding="utf-8")
    terminal = Terminal(tmp_path, "run", ".")
    terminal.wait_for("answer: ")
    terminal.process.send_signal(signal.SIGINT)
    terminal.wait_for("go on with: agentspec resume desk-")
    assert terminal.end()[0] == Exit.INTERRUPTED
    again = Terminal(tmp_path, "resume")
    again.wait_for("answer: ")
    again.type("\x04")  # the end of the input: not now
    assert again.end()[0] == Exit.PAUSED
    last = Terminal(tmp_path, "resume", "--answer", "ok=send")
    assert last.end()[0] == Exit.OK


def test_what_is_shown_cannot_harm_a_terminal() -> None:
    value = {"text": "red \x1b[31m\nand \u202eback", "list": [1, {"deep": None}, []], "yes": True, "empty": ""}
    assert shown(value) == [
        "text:",
        "  red �[31m",
        "  and �back",
        "list:",
        "  - 1",
        "  -",
        "    deep: null",
        "  - []",
        "yes: yes",
        "empty: ",
    ]
    long = shown("line\n" * 1000)
    assert (len(long), long[-1]) == (201, "… 801 more lines")
    assert len(shown("x" * 10_000)[0]) == 400
