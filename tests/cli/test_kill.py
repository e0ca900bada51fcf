"""A run is killed again and again, at random moments, and resumed: nothing that was done is done twice.

AGENTSPEC_KILLS=300 kills more often.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentspec.api.events import RunFinished, StepSucceeded
from agentspec.journal import SqliteJournal

KILLS = int(os.environ.get("AGENTSPEC_KILLS", "20"))
HERE = Path(__file__).parent
SPEC = """\
agentspec: 1
name: books
tools: {ledger: ledger}
inputs: {items: {type: [integer], default: [1, 2, 3, 4, 5, 6]}}
nodes:
  first: {tool: ledger.look}
  each:
    controller: map
    over: inputs.items
    concurrency: 2
    nodes:
      read: {tool: ledger.look, with: {n: "${{ item }}"}}
      pay: {tool: ledger.pay, with: {n: "${{ read }}"}}
    result: ${{ pay }}
  more:
    controller: loop
    max: 3
    nodes:
      put: {tool: ledger.put, with: {n: "${{ previous.put | default(first) }}"}}
  way:
    controller: switch
    cases: [{when: more > 2, tool: ledger.look, with: {n: 40}}]
    default: {result: 0}
  last: {tool: ledger.put, with: {n: "${{ each | sum }}"}, after: [way]}
result: {each: "${{ each }}", more: "${{ more }}", way: "${{ way }}", last: "${{ last }}"}
"""
RESULT = {"each": [3, 4, 5, 6, 7, 8], "more": 4, "way": 41, "last": 34}


class Books:
    """A folder with the agent, and the book that its tools keep."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.retried: list[str] = []
        folder.mkdir()
        (folder / "agent.yaml").write_text(SPEC, encoding="utf-8")

    def lines(self) -> list[str]:
        book = self.folder / "book.txt"
        return book.read_text(encoding="utf-8").splitlines() if book.exists() else []

    @property
    def began(self) -> bool:
        return (self.folder / ".agentspec" / "runs.db").exists()

    def recorded(self) -> tuple[set[str], Any]:
        """The steps that are done, and the result if there is one, as the journal has it."""
        journal = SqliteJournal(self.folder / ".agentspec" / "runs.db")
        events = [entry.event for info in journal.runs() for entry in journal.entries(info.id)]
        journal.close()
        done = {event.path for event in events if isinstance(event, StepSucceeded)}
        return done, next((event.result for event in events if isinstance(event, RunFinished)), None)


class Server:
    """See `warm`."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.book = Path()
        env = {**os.environ, "PYTHONPATH": str(HERE / "plugin"), "LEDGER": "book.txt"}
        self.process = subprocess.Popen(
            [sys.executable, HERE / "warm.py"], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def call(self, books: Books, kill_after: int, *words: str) -> tuple[int, str]:
        """Run a command, and kill it when that many lines were added to the book. Gives exit code and output."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        before, out = len(books.lines()), books.folder / "out.txt"
        self.process.stdin.write(json.dumps([str(books.folder), str(out), *words]) + "\n")
        self.process.stdin.flush()
        child = int(self.process.stdout.readline())
        state = Path(f"/proc/{child}/stat")
        while len(books.lines()) < before + kill_after and " Z " not in _read(state):
            time.sleep(0.001)
        time.sleep(self.rng.random() * 0.012)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        return int(self.process.stdout.readline()), out.read_text(encoding="utf-8")


def _read(state: Path) -> str:
    """A process's state; one that is gone counts as ended."""
    try:
        return state.read_text()
    except OSError:
        return " Z "


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(random.Random(20))
    yield made
    made.process.communicate()


@pytest.mark.timeout(60 + 3 * KILLS)
def test_what_was_done_before_a_kill_is_not_done_again(tmp_path: Path, server: Server) -> None:
    kills = folders = 0
    while kills < KILLS:
        folders += 1
        books = Books(tmp_path / str(folders))
        kills += until_the_end(books, server)
        done, result = books.recorded()
        assert result == RESULT
        for path in ("each[0]/pay", "each[5]/pay"):
            assert path in done
            assert 1 <= books.lines().count(f"begin {path}") <= 1 + books.retried.count(path)


def until_the_end(books: Books, server: Server) -> int:
    """Run and resume until the run has ended; gives the number of kills."""
    words, kills = ["run", "."], 0
    while True:
        done, result = books.recorded() if books.began else (set(), None)
        if result is not None:
            return kills
        seen = len(books.lines())
        code, said = server.call(books, server.rng.randrange(1, 9), *words, "--json")
        new = books.lines()[seen:]
        again = {line.partition(" ")[2] for line in new}
        assert not again & done
        words = ["resume"] if books.began else ["run", "."]
        if code == 1 and "AS616" in said:
            assert new == [], "something ran although it was refused"
            doubtful = re.findall(r"--retry '?([^ '\n]+)", said)
            assert doubtful
            books.retried += doubtful
            words += [word for path in doubtful for word in ("--retry", path)]
        elif code == 2 and "AS623" in said:  # killed before it began
            words = ["run", "."]
        else:
            assert code in (0, -signal.SIGKILL), said
            kills += code != 0
