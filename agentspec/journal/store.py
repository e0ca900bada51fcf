"""The journal in SQLite: WAL, one writing thread, JSON only."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from agentspec.api.journal import Entry, RunInfo, RunStatus
from agentspec.journal import lock
from agentspec.journal.codec import decode, encode
from agentspec.journal.tables import Writer, connect, failed

_COLUMNS = "id, agent, spec, started, setup, status, changed"


class SqliteJournal:
    """See `agentspec.api.journal.Journal`.

    Args:
        file: made, with its folder, when the journal is first needed.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._connection: sqlite3.Connection | None = None
        self._writer = Writer(file)
        self._next: dict[str, tuple[int, int]] = {}

    def begin(self, run: RunInfo) -> None:
        """Add a run. Raises `JournalFailed`: then nothing can be recorded here."""
        setup = json.dumps(dict(run.setup))
        values = (run.id, run.agent, run.spec, run.started, setup, run.status, run.changed or run.started)
        self._execute(f"INSERT INTO runs ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", values)  # noqa: S608

    def append(self, run: str, entry: Entry) -> None:
        """Add an event. Raises `JournalFailed` for one that is no JSON, or when an earlier one was not stored."""
        if self._writer.failure is not None:
            raise self._writer.failure
        event = entry.event
        number, seq = self._next.get(run) or self._place(run)
        self._writer.put((number, seq, entry.at, type(event).__name__, encode(event)))
        self._next[run] = (number, seq + 1)

    async def stored(self) -> None:
        """Wait until all that was appended would survive the end of this process. Raises `JournalFailed`."""
        loop = asyncio.get_running_loop()
        done = asyncio.Event()
        self._writer.then(lambda: loop.call_soon_threadsafe(done.set))
        await done.wait()
        if self._writer.failure is not None:
            raise self._writer.failure

    def mark(self, run: str, status: RunStatus, at: float) -> None:
        """Set a run's status, once all that was appended before is stored. Raises `JournalFailed`."""
        done = threading.Event()
        self._writer.then(done.set)
        done.wait()
        if self._writer.failure is not None:
            raise self._writer.failure
        self._execute("UPDATE runs SET status = ?, changed = ? WHERE id = ?", (status, at, run))

    def runs(self) -> list[RunInfo]:
        """All runs, the newest first; none where there is no journal."""
        if not self.file.exists():
            return []
        rows = self._execute(f"SELECT {_COLUMNS} FROM runs ORDER BY number DESC")  # noqa: S608
        return [
            RunInfo(run, agent, spec, started, json.loads(setup), status, changed)
            for run, agent, spec, started, setup, status, changed in rows
        ]

    def entries(self, run: str) -> list[Entry]:
        """The events of a run, in order. Raises `JournalUnreadable`."""
        query = "SELECT at, event, data FROM events WHERE run = (SELECT number FROM runs WHERE id = ?) ORDER BY seq"
        return [Entry(at, decode(name, data)) for at, name, data in self._execute(query, (run,))]

    def hold(self, run: str) -> AbstractContextManager[None]:
        """Keep other processes from going on with a run. Raises `RunBusy`."""
        return lock.hold(self.file.parent, run)

    def is_held(self, run: str) -> bool:
        """Tell whether a living process holds a run."""
        return lock.is_held(self.file.parent, run)

    def close(self) -> None:
        """Store what was appended, and close the file."""
        self._writer.finish()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _execute(self, sql: str, values: tuple[Any, ...] = ()) -> list[Any]:
        if self._connection is None:
            self._connection = connect(self.file)
        try:
            return self._connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise failed(self.file, error) from error

    def _place(self, run: str) -> tuple[int, int]:
        """The run's number, and the place of its next event."""
        query = "SELECT number, (SELECT count(*) FROM events WHERE run = number) FROM runs WHERE id = ?"
        [(number, seq)] = self._execute(query, (run,))
        return number, seq
