"""The journal: every run's events in one SQLite file per project.

place   where the file lies       codec   events as JSON
store   the journal               tables  its tables, and a thread that writes
lock    one process per run
"""

from agentspec.journal.place import journal_file
from agentspec.journal.store import SqliteJournal

__all__ = ["SqliteJournal", "journal_file"]
