"""The journal in SQLite: what is appended is there, whoever looks, and however the process ended."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentspec.api.errors import JournalFailed, JournalUnreadable, RunBusy
from agentspec.api.events import Meta, RunStarted, StepSucceeded
from agentspec.api.journal import Entry, RunInfo
from agentspec.journal import SqliteJournal, journal_file
from agentspec.journal.tables import VERSION


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "project" / ".agentspec" / "runs.db"


@pytest.fixture
def journal(file: Path) -> Iterator[SqliteJournal]:
    made = SqliteJournal(file)
    yield made
    made.close()


def info(run: str = "one") -> RunInfo:
    return RunInfo(run, "desk", "/somewhere/agent.yaml", 5.0, {"bind": {"*": "fake/echo"}}, "running", 5.0)


def entry(number: int) -> Entry:
    return Entry(float(number), StepSucceeded(f"n{number}", {"n": number}, Meta()))


def test_what_was_appended_is_read_in_its_order_by_anybody(journal: SqliteJournal, file: Path) -> None:
    journal.begin(info())
    journal.begin(info("two"))
    for number in range(1000):
        journal.append("one", entry(number))
        journal.append("two", Entry(0.5, RunStarted("desk", {"x": number})))
    asyncio.run(journal.stored())
    other = SqliteJournal(file)
    assert other.entries("one") == [entry(number) for number in range(1000)]
    assert [found.event.inputs["x"] for found in other.entries("two")] == list(range(1000))  # type: ignore[union-attr]
    assert other.runs() == [info("two"), info()]
    other.close()


def test_a_run_is_continued_by_another_process_where_it_was_left(journal: SqliteJournal, file: Path) -> None:
    journal.begin(info())
    journal.append("one", entry(0))
    journal.close()
    again = SqliteJournal(file)
    again.append("one", entry(1))
    again.mark("one", "paused", 9.0)
    assert again.entries("one") == [entry(0), entry(1)]
    assert [(found.status, found.changed) for found in again.runs()] == [("paused", 9.0)]
    again.close()


def test_two_processes_write_at_the_same_time(file: Path) -> None:
    def write(run: str) -> None:
        mine = SqliteJournal(file)
        mine.begin(info(run))
        for number in range(300):
            mine.append(run, entry(number))
        mine.mark(run, "ok", 1.0)
        mine.close()

    threads = [threading.Thread(target=write, args=(name,)) for name in ("one", "two", "three")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reader = SqliteJournal(file)
    assert {found.status for found in reader.runs()} == {"ok"}
    for name in ("one", "two", "three"):
        assert reader.entries(name) == [entry(number) for number in range(300)]
    reader.close()


def test_only_the_owner_may_read_and_git_ignores_it(journal: SqliteJournal, file: Path) -> None:
    journal.begin(info())
    journal.append("one", entry(0))
    asyncio.run(journal.stored())
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    for path in file.parent.glob("runs.db*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert (file.parent / ".gitignore").read_text() == "*\n!schema.json\n"


def test_a_journal_that_is_only_read_is_not_made(journal: SqliteJournal, file: Path) -> None:
    assert journal.runs() == []
    assert not file.parent.exists()


def test_the_journal_lies_in_the_project(tmp_path: Path) -> None:
    inner = tmp_path / "agents" / "inbox"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").touch()
    assert journal_file(inner) == tmp_path / ".agentspec" / "runs.db"
    tmp_path.chmod(0o1777)  # like /tmp: whoever made the mark there, it is not our project
    assert journal_file(inner) == inner / ".agentspec" / "runs.db"


def test_a_folder_of_somebody_else_is_not_used(
    journal: SqliteJournal, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.parent.mkdir(parents=True)
    os.chown(file.parent, 12345, -1) if os.getuid() == 0 else monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(JournalFailed, match="somebody else"):
        journal.begin(info())


def test_a_place_that_cannot_be_written_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / ".agentspec").write_text("no folder")
    with pytest.raises(JournalFailed) as caught:
        SqliteJournal(tmp_path / ".agentspec" / "runs.db").begin(info())
    assert caught.value.code == "AS620"
    assert "--no-journal" in (caught.value.hint or "")


def test_a_full_disk_fails_the_next_append_and_keeps_what_is_there(journal: SqliteJournal, file: Path) -> None:
    journal.begin(info())
    journal.append("one", entry(0))
    asyncio.run(journal.stored())
    blocker = sqlite3.connect(file)
    blocker.executescript("CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(FAIL, 'disk is full'); END")
    journal.append("one", entry(1))
    with pytest.raises((JournalFailed, JournalUnreadable)):
        asyncio.run(journal.stored())
    blocker.executescript("DROP TRIGGER full")
    blocker.close()
    with pytest.raises((JournalFailed, JournalUnreadable)):  # a gap would be worse than an end
        journal.append("one", entry(2))
    assert journal.entries("one") == [entry(0)]


def test_nothing_is_written_after_a_row_that_could_not_be(journal: SqliteJournal, file: Path) -> None:
    journal.begin(info())
    journal.append("one", entry(0))
    asyncio.run(journal.stored())
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute(
        "CREATE TRIGGER full BEFORE INSERT ON events WHEN NEW.seq = 1 BEGIN SELECT RAISE(FAIL, 'disk is full'); END"
    )
    journal.append("one", entry(1))
    time.sleep(0.2)  # the writer has taken it, and waits for the other process
    journal.append("one", entry(2))
    other.execute("COMMIT")
    other.close()
    with pytest.raises((JournalFailed, JournalUnreadable)):
        asyncio.run(journal.stored())
    assert journal.entries("one") == [entry(0)]


def test_a_damaged_file_and_one_of_a_newer_release_are_unreadable(file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(b"this is no database, whatever its name says " * 100)
    with pytest.raises(JournalUnreadable, match="cannot be read") as caught:
        SqliteJournal(file).runs()
    still_open = [one for one in Path("/proc/self/fd").iterdir() if one.is_symlink() and one.readlink() == file]
    assert not still_open, f"{caught.value.code} leaves the file open"
    file.unlink()
    newer = sqlite3.connect(file)
    newer.execute(f"PRAGMA user_version = {VERSION + 1}")
    newer.close()
    with pytest.raises(JournalUnreadable, match="newer release"):
        SqliteJournal(file).runs()


def test_a_run_is_held_once_and_free_again_afterwards(journal: SqliteJournal, file: Path) -> None:
    journal.begin(info())
    with journal.hold("one"):
        assert journal.is_held("one")
        with pytest.raises(RunBusy, match=f"another process \\({os.getpid()}\\)"), SqliteJournal(file).hold("one"):
            raise AssertionError("it was held twice")
        assert journal.is_held("one"), "a vain attempt lets go of it"
        assert not journal.is_held("two")
    assert not journal.is_held("one")
    assert [path.name for path in file.parent.glob("*.lock")] == []
    with journal.hold("one"):
        pass


HOLDER = """
import sys, time
from pathlib import Path
from agentspec.journal import SqliteJournal
with SqliteJournal(Path(sys.argv[1])).hold("one"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_lock_of_a_process_that_was_killed_is_free(journal: SqliteJournal, file: Path) -> None:
    journal.begin(info())
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(file)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert journal.is_held("one")
        process.send_signal(signal.SIGKILL)
    assert (file.parent / "one.lock").exists()
    assert not journal.is_held("one")
    with journal.hold("one"):
        pass
