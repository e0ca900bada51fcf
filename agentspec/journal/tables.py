"""The tables of a journal, and the one thread that writes events into them."""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

from agentspec.api.errors import JournalFailed, JournalUnreadable
from agentspec.journal.place import make_room

VERSION = 1
_PATIENCE_S = 10.0
"""How long another process may keep the file for itself."""
# With a rowid: a table without one puts each row of more than a quarter of a page on a page of its own.
_TABLES = """
CREATE TABLE IF NOT EXISTS runs (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    agent TEXT NOT NULL,
    spec TEXT NOT NULL,
    started REAL NOT NULL,
    setup TEXT NOT NULL,
    status TEXT NOT NULL,
    changed REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS events (
    run INTEGER NOT NULL REFERENCES runs (number),
    seq INTEGER NOT NULL,
    at REAL NOT NULL,
    event TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (run, seq)
);
"""

Row = tuple[int, int, float, str, str]
_INSERT = "INSERT INTO events (run, seq, at, event, data) VALUES (?, ?, ?, ?, ?)"


def connect(file: Path) -> sqlite3.Connection:
    """Open a journal, and make it if it is not there. Raises `JournalFailed`, `JournalUnreadable`."""
    make_room(file)
    try:
        connection = sqlite3.connect(file, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise failed(file, error) from error
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            connection.executescript(f"BEGIN IMMEDIATE;{_TABLES}PRAGMA user_version = {VERSION};COMMIT;")
    except sqlite3.DatabaseError as error:
        connection.close()
        raise failed(file, error) from error
    if version > VERSION:
        connection.close()
        raise JournalUnreadable(f"`{file}` was written by a newer release", hint="upgrade agentspec-slm")
    return connection


def failed(file: Path, error: sqlite3.Error) -> JournalFailed | JournalUnreadable:
    """What an error of the database means to a person."""
    if isinstance(error, sqlite3.OperationalError):
        hint = "make room and make the folder writable, or run with --no-journal"
        return JournalFailed(f"`{file}` cannot be written: {error}", hint=hint)
    return JournalUnreadable(f"`{file}` cannot be read: {error}", hint="move it away: a new one is made")


class Writer:
    """Writes rows in the order in which they come, as many as there are in one transaction.

    After a failure it writes nothing more: what is there stays a beginning without a gap.
    """

    def __init__(self, file: Path) -> None:
        self.failure: JournalFailed | JournalUnreadable | None = None
        self._file = file
        self._todo: queue.SimpleQueue[Row | Callable[[], object] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def put(self, row: Row) -> None:
        """Have a row written."""
        if self._thread is None:
            self._start()
        self._todo.put(row)

    def then(self, call: Callable[[], object]) -> None:
        """Call something, in the thread that writes, when all rows so far are stored or have failed."""
        if self._thread is None:
            call()
        else:
            self._todo.put(call)

    def finish(self) -> None:
        """Wait until all is stored or has failed, and end the thread."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._todo.put(None)
            thread.join()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._write, name="agentspec journal", daemon=True)
        self._thread.start()

    def _write(self) -> None:
        try:
            connection = connect(self._file)
        except (JournalFailed, JournalUnreadable) as error:
            self.failure, connection = error, None
        going_on = True
        while going_on:
            rows: list[Row] = []
            calls: list[Callable[[], object]] = []
            going_on = self._gather(rows, calls)
            if rows and connection is not None and self.failure is None:
                self._store(connection, rows)
            for call in calls:
                call()
        if connection is not None:
            connection.close()

    def _gather(self, rows: list[Row], calls: list[Callable[[], object]]) -> bool:
        """Wait for something to do, and take all that there is. False at the end."""
        one = self._todo.get()
        while one is not None:
            if callable(one):
                calls.append(one)
            else:
                rows.append(one)
            try:
                one = self._todo.get_nowait()
            except queue.Empty:
                return True
        return False

    def _store(self, connection: sqlite3.Connection, rows: list[Row]) -> None:
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(_INSERT, rows)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self.failure = failed(self._file, error)
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
